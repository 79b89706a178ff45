//go:build !linux

package sockets

// Watcher watches nothing on systems without epoll: each connection has a goroutine that reads.
type Watcher[T comparable] struct{}

// NewWatcher returns a Watcher.
func NewWatcher[T comparable](func(T)) *Watcher[T] { return new(Watcher[T]) }

// Watch returns false.
func (w *Watcher[T]) Watch(int, T) bool { return false }

// Forget does nothing.
func (w *Watcher[T]) Forget(int, T) {}

// Look is not called.
func (w *Watcher[T]) Look(int, T, func() (again bool)) {}
