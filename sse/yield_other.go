//go:build !unix

package sse

import "runtime"

// yielder lets other goroutines run.
type yielder struct{}

func (y *yielder) yield() { runtime.Gosched() }
