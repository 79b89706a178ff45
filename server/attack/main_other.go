//go:build !linux

// Command attack attacks a Roomcast server. It needs /proc and the clocks of other processes, which
// only Linux has.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "attack: runs on Linux only")
	os.Exit(1)
}
