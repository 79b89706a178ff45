package verify

import (
	"testing"
	"time"
)

// An event is late if all of three were late on one transport and none on another: one slow answer is
// no fault, and neither is a slow machine.
func TestDelays(t *testing.T) {
	t.Parallel()
	const fast, slow = 5 * time.Millisecond, 3 * time.Second
	for name, c := range map[string]struct {
		polling, stream [3]time.Duration
		fault           string
		state           State
	}{
		"prompt":        {[3]time.Duration{fast, fast, fast}, [3]time.Duration{fast, fast, fast}, "", OK},
		"late":          {[3]time.Duration{fast, fast, fast}, [3]time.Duration{slow, slow, slow}, "buffering", Fault},
		"late polls":    {[3]time.Duration{slow, slow, slow}, [3]time.Duration{fast, fast, fast}, "buffering", Fault},
		"late once":     {[3]time.Duration{fast, fast, fast}, [3]time.Duration{slow, slow, fast}, "", OK},
		"all are late":  {[3]time.Duration{slow, slow, slow}, [3]time.Duration{slow, slow, slow}, "", Note},
		"all, but once": {[3]time.Duration{fast, slow, slow}, [3]time.Duration{slow, slow, slow}, "", Note},
	} {
		r := testRun(t, testOptions("127.0.0.1:1"))
		clients := []*listener{r.listener(polling), r.listener(eventSource)}
		r.judgeDelays(clients, map[*listener][]time.Duration{
			clients[0]: c.polling[:], clients[1]: c.stream[:],
		})
		if got := r.report.Results[0]; got.Fault != c.fault || got.State != c.state {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Tokens have a leeway of 30 s, so clocks may differ by less than 20 s.
func TestClocks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for ahead, want := range map[time.Duration]State{
		-time.Minute: Fault, -5 * time.Second: Note, 0: OK, 5 * time.Second: Note, time.Minute: Fault,
	} {
		r := testRun(t, testOptions("127.0.0.1:1"))
		r.skew.server.sample(now.Add(ahead), now, now.Add(time.Millisecond), time.Millisecond)
		r.clocks(t.Context())
		if got := r.report.Results[0]; got.State != want || (got.Fault == "clock") != (want == Fault) {
			t.Errorf("%s: %+v", ahead, got)
		}
	}
}

// What a client received is counted by its numbers, whatever else it got.
func TestTally(t *testing.T) {
	t.Parallel()
	l := &listener{transport: polling}
	for _, n := range []int{1, 9, 2, 2, 4, 3, 2} { // 9 was not acknowledged
		l.got = append(l.got, receipt{n: n})
	}
	want := Count{Transport: polling, Published: 5, Received: 4, Lost: 1, Doubled: 2, Reordered: 1}
	if got := tally(l, []int{1, 2, 3, 4, 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
