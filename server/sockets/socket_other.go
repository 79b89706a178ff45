//go:build !unix

package sockets

import "net"

// Descriptor returns -1: every write may wait, in a goroutine of its connection.
func Descriptor(net.Conn) int { return -1 }

// Read is not called.
func Read(int, []byte) (n int, err error) { return 0, nil }

// Pending returns false: without a descriptor, nobody knows.
func Pending(int) bool { return false }

// Write is not called.
func Write(int, []byte) (n int, err error) { return 0, nil }
