//go:build unix

package limit

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// OpenFiles returns how many files and sockets the process may have open, and how many it has; 0 is
// no limit. The Go runtime has raised the soft limit to the hard one at the start, and restores it
// for child processes.
func OpenFiles() (limit, open int) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || uint64(r.Cur) > math.MaxInt32 {
		return 0, 0
	}
	const unknown = 16
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return int(r.Cur), unknown
	}
	return int(r.Cur), len(entries)
}
