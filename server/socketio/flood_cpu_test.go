//go:build unix

package socketio

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// One connection that sends as fast as it can takes less than 5 % of a core, whatever it sends, and
// is closed within ten seconds if no page would do that. In make soak only: it takes minutes.
func TestFloodCostsLittle(t *testing.T) {
	if servertest.Soaked(1) == 1 {
		t.Skip("in make soak; the tests of engineio count what a flood gets")
	}
	s := newStack(t, func(o *Options) {
		o.RateInterval = 100 * time.Millisecond
		o.PingInterval = time.Hour // the clients answer no pings
	})
	s.Alive()
	for kind, f := range floods {
		t.Run(kind, func(t *testing.T) {
			before, rss := cpuTime(t), residentBytes(t)
			start := time.Now()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %q", floodEnv, s.Base, kind))
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			used, took := cpuTime(t)-before, time.Since(start)
			grown := residentBytes(t) - rss
			answer := strings.TrimSpace(string(out))
			// A flood that is closed at once is counted for a second: the client has to connect again.
			share := used.Seconds() / max(took.Seconds(), 1)
			t.Logf("%.1f %% of a core (%v in %v), %d KiB, closed: %s", 100*share, used, took, grown>>10, answer)
			if share > 0.05 && !raceEnabled {
				t.Errorf("%.1f %% of a core", 100*share)
			}
			if grown > max(5<<20, int64(12*len(f.frames))) { // large messages are garbage for a while
				t.Errorf("%d KiB more are resident", grown>>10)
			}
			if closed, err := time.ParseDuration(answer); f.most > 0 && (err != nil || closed > f.most) {
				t.Errorf("closed after %s, want at most %v", answer, f.most)
			}
		})
	}
	s.Alive()
}

// cpuTime returns the time on a CPU of this process.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentBytes returns the resident memory of this process, 0 on systems that do not report it.
func residentBytes(t *testing.T) int64 {
	t.Helper()
	servertest.Heap()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}
