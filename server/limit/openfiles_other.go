//go:build !unix

package limit

// OpenFiles returns no limit: this system has none for sockets.
func OpenFiles() (limit, open int) { return 0, 0 }
