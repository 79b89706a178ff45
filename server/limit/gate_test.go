package limit

import (
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	office  = netip.MustParseAddr("192.0.2.1")
	another = netip.MustParseAddr("198.51.100.7")
)

// inGate runs a test with fake time and a strict gate.
func inGate(t *testing.T, rate int, f func(*testing.T, *Gate)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f(t, NewGate(rate, func(time.Time) bool { return true }))
	})
}

// enter counts how many of n handshakes pass.
func (g *Gate) enter(n int, ip netip.Addr, resumes bool) (passed int) {
	for range n {
		if g.Enter(ip, resumes) == nil {
			passed++
		}
	}
	return passed
}

// The handshakes of a second pass at once, and then as many per second.
func TestGateRate(t *testing.T) {
	inGate(t, 100, func(t *testing.T, g *Gate) {
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 100}, {0, 0}, {100 * time.Millisecond, 10}, {time.Second, 100}, {time.Hour, 100}} {
			time.Sleep(c.after)
			if got := g.enter(1000, office, true); got != c.want {
				t.Errorf("%d handshakes pass after %v, want %d", got, c.after, c.want)
			}
		}
		if newcomers, resumes := g.Refused(); newcomers != 0 || resumes != 5000-310 {
			t.Errorf("%d and %d refused", newcomers, resumes)
		}
		g.Set(0, true)
		if got := g.enter(1000, office, false); got != 1000 {
			t.Errorf("%d handshakes pass without a rate", got)
		}
	})
}

// A quarter of the bucket is for clients that resume. When more of them come than may pass, no
// newcomer passes.
func TestGateResumesFirst(t *testing.T) {
	inGate(t, 100, func(t *testing.T, g *Gate) {
		if got := g.enter(1000, office, false); got != 75 {
			t.Errorf("%d newcomers pass, want 75", got)
		}
		if got := g.enter(1000, office, true); got != 25 {
			t.Errorf("%d resumes pass after them, want 25", got)
		}
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			if newcomers, resumes := g.enter(10, office, false), g.enter(10, office, true); newcomers != 0 || resumes != 1 {
				t.Fatalf("%d newcomers and %d resumes pass, want 0 and 1", newcomers, resumes)
			}
		}
	})
}

// An address that sends most handshakes gets the whole rate as long as it is the only one, and
// otherwise what others leave.
func TestGateShare(t *testing.T) {
	inGate(t, 100, func(t *testing.T, g *Gate) {
		if got := g.enter(1000, office, true); got != 100 {
			t.Errorf("%d handshakes of one address pass, want 100", got)
		}
		other := 0
		for range 300 { // a flood of 1,000 per second, and 50 from elsewhere, also newcomers
			time.Sleep(10 * time.Millisecond)
			g.enter(10, office, true)
			if time.Now().UnixMilli()/10%2 == 0 {
				other += g.enter(1, another, false)
			}
		}
		if other < 120 {
			t.Errorf("%d of 150 others pass beside a flood", other)
		}
		time.Sleep(2 * crowdMemory)
		if got := g.enter(1000, office, true); got != 100 {
			t.Errorf("%d handshakes of the address pass when the others have left, want 100", got)
		}
	})
}

// Refused clients come back spread over the time that the rate needs for them, from 1 to 5 seconds.
func TestGateWait(t *testing.T) {
	inGate(t, 100, func(t *testing.T, g *Gate) {
		var waits []time.Duration
		for range 1100 {
			var busy *BusyError
			if err := g.Enter(office, true); errors.As(err, &busy) {
				waits = append(waits, busy.RetryAfter())
				if busy.HTTPStatus() != 503 {
					t.Errorf("status %d", busy.HTTPStatus())
				}
			}
		}
		if first := waits[0]; first < time.Second || first > 1010*time.Millisecond {
			t.Errorf("the first of them waits %v, want little more than 1 s", first)
		}
		if most := slices.Max(waits[:200]); most > 3*time.Second {
			t.Errorf("one of 200 clients waits %v, want at most 3 s", most)
		}
		last := waits[len(waits)-500:]
		if least, most := slices.Min(last), slices.Max(last); least > 1500*time.Millisecond ||
			most < 4500*time.Millisecond || most > 5*time.Second {
			t.Errorf("1,000 clients wait %v to %v, want 1 s to 5 s", least, most)
		}
	})
}

// Without a strict rate a gate refuses nothing as long as the process is not late.
func TestGateIsOpenWithoutNeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := false
		g := NewGate(100, func(time.Time) bool { return late })
		g.Set(100, false)
		if got := g.enter(5000, office, false); got != 5000 {
			t.Errorf("%d of 5,000 handshakes pass", got)
		}
		late = true
		time.Sleep(100 * time.Millisecond)
		if got := g.enter(5000, office, true); got != 25+10 {
			t.Errorf("%d handshakes pass while the process is late, want the 25 that are left for "+
				"resumes, and 10", got)
		}
	})
}

// Clients that wait as long as the gate says are in soon, and none waits much longer than the rate
// needs.
func TestGateStorm(t *testing.T) {
	inGate(t, 1000, func(t *testing.T, g *Gate) {
		const clients = 5000
		var in atomic.Int32
		start := time.Now()
		for range clients {
			go func() {
				for {
					err := g.Enter(office, true)
					if err == nil {
						in.Add(1)
						return
					}
					time.Sleep(err.(*BusyError).RetryAfter())
				}
			}()
		}
		for in.Load() < clients {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("5,000 clients are in after %v", took)
		} else {
			t.Log("5,000 clients are in after", took)
		}
	})
}

func BenchmarkGate(b *testing.B) {
	g := NewGate(1000, NewLateness().Late)
	g.Set(1000, false)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = g.Enter(office, true)
		}
	})
}
