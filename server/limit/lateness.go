package limit

import (
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// perCore is how many handshakes per second one processor takes beside its other work. A client
	// that comes back and gets 100 missed notifications needs 1 to 2 ms of it.
	perCore = 500

	lateAfter    = 20 * time.Millisecond // a goroutine that waits longer for a processor is late
	lateShare    = 10                    // one of so many late goroutines makes the process late
	lateInterval = 50 * time.Millisecond // between two measurements
	lateMemory   = time.Second           // an older measurement says nothing about the present
)

// HandshakeRate returns the rate of a Gate for this process: 500 per second for each processor that
// it may use, whether the machine or its cgroup sets that number.
func HandshakeRate() int { return perCore * runtime.GOMAXPROCS(0) }

// Lateness measures whether a process has more to do than its processors can: then its goroutines
// wait for one. Only one goroutine at a time may use it.
type Lateness struct {
	samples []metrics.Sample
	late    bool
	at      time.Time // of the last measurement
	all     uint64    // goroutines that have waited until then
	tardy   uint64    // those of them that were late
}

// NewLateness returns the measurement of this process.
func NewLateness() *Lateness {
	return &Lateness{samples: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
}

// Late reports whether the process was late in the last 50 ms.
func (l *Lateness) Late(now time.Time) bool {
	since := now.Sub(l.at)
	if since < lateInterval {
		return l.late
	}
	metrics.Read(l.samples)
	h := l.samples[0].Value.Float64Histogram()
	var all, tardy uint64
	for i, n := range h.Counts {
		all += n
		if h.Buckets[i] >= lateAfter.Seconds() {
			tardy += n
		}
	}
	l.late = since < lateMemory && (tardy-l.tardy)*lateShare >= max(lateShare, all-l.all)
	l.at, l.all, l.tardy = now, all, tardy
	return l.late
}
