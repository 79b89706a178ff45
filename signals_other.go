//go:build !unix

package main

import "context"

// hangups returns nil: this system has no SIGHUP.
func hangups(context.Context) <-chan bool { return nil }

// outliveReaders does nothing: this system has no SIGPIPE.
func outliveReaders() {}
