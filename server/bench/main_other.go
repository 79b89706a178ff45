//go:build !linux

// Command bench compares Roomcast with other servers. It needs epoll(7) and the clocks of other
// processes, which only Linux has.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: runs on Linux only")
	os.Exit(1)
}
