//go:build !unix

package sockets

import "runtime"

// yielder lets other goroutines run.
type yielder struct{}

func (y *yielder) yield() { runtime.Gosched() }
