//go:build linux

package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// resident reads smaps_rollup, which is exact. /proc/PID/status, which every kernel has, may be off
// by some pages for each core.
func resident(read func(string) ([]byte, error), pid int) (int64, error) {
	sources := []struct{ file, field string }{{"smaps_rollup", "Rss:"}, {"status", "VmRSS:"}}
	var failed error
	for _, s := range sources {
		text, err := read(fmt.Sprintf("/proc/%d/%s", pid, s.file))
		if err == nil {
			return kilobytes(text, s.field)
		}
		failed = err
	}
	return 0, failed
}

// kilobytes returns the bytes of a line such as "VmRSS:    1234 kB".
func kilobytes(text []byte, field string) (int64, error) {
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		if len(words) != 3 || string(words[0]) != field || string(words[2]) != "kB" {
			continue
		}
		n, err := strconv.ParseInt(string(words[1]), 10, 53)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s %q: not a size", field, words[1])
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("no line %s", field)
}

// peak reads the high-water mark of the memory of a process.
func peak(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kilobytes(text, "VmHWM:")
}

// resetPeak sets the high-water mark to the present size, see proc_pid_clear_refs(5).
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
