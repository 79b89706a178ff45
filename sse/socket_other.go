//go:build !unix

package sse

import "net"

// descriptor returns -1: every write may wait, in a goroutine of the stream's own.
func descriptor(net.Conn) int { return -1 }

// writeSome is not called.
func writeSome(int, []byte) (n int, err error) { return 0, nil }
