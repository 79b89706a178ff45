//go:build !linux

package sse

// watcher watches nothing on systems without epoll: each stream has a goroutine that reads.
type watcher struct{}

func (w *watcher) add(*stream) bool { return false }

func (w *watcher) remove(*stream) {}
