package limit

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// fakeMemory is a process with live memory and garbage.
type fakeMemory struct {
	live, garbage, kernel int64
	collected             int
	takes                 time.Duration
}

func (f *fakeMemory) Used() (own, kernel int64) { return f.live + f.garbage, f.kernel }

func (f *fakeMemory) Collect() {
	f.collected++
	f.garbage = 0
	time.Sleep(f.takes)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeMemory{}
		m := NewMemory(1000, 2000, f)
		for i, c := range []struct {
			live, garbage, kernel int64
			want                  Pressure
			collected             int
		}{
			{live: 840, want: Enough, collected: 0},
			{live: 500, garbage: 400, want: Enough, collected: 1}, // only garbage is too much
			{live: 850, want: Short, collected: 2},
			{live: 850, want: StillShort, collected: 3},
			{live: 810, want: StillShort, collected: 4}, // not enough yet
			{live: 799, want: Enough, collected: 5},
			{live: 800, want: Enough, collected: 5},
			{live: 100, kernel: 1599, want: Enough, collected: 5}, // 84.9 % of the cgroup
			{live: 100, kernel: 1600, want: Short, collected: 6},
			{live: 100, kernel: 1490, want: Enough, collected: 7},
		} {
			time.Sleep(time.Second)
			f.live, f.garbage, f.kernel = c.live, c.garbage, c.kernel
			if got := m.Look(); got != c.want || f.collected != c.collected || m.IsShort() != (got != Enough) {
				t.Errorf("step %d: %d after %d collections, want %+v", i, got, f.collected, c)
			}
		}
		if used, limit := m.Usage(); used != 1590 || limit != 1000 {
			t.Errorf("usage %d of %d", used, limit)
		}
	})
}

// A level between the marks ends a shortage after ten seconds, because it may be the usual one.
func TestMemoryBetweenTheMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeMemory{live: 900}
		m := NewMemory(1000, 0, f)
		for range 50 {
			time.Sleep(time.Second)
			if m.Look() == Enough {
				t.Fatal("enough above the mark")
			}
		}
		f.live = 830
		seconds := 0
		for ; m.Look() != Enough; seconds++ {
			time.Sleep(time.Second)
		}
		if seconds < 10 || seconds > 12 {
			t.Errorf("it was short for %d s", seconds)
		}
	})
}

// The watch takes at most a tenth of the time for its collections.
func TestMemoryCollectsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeMemory{live: 900, takes: 100 * time.Millisecond}
		m := NewMemory(1000, 0, f)
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			m.Look()
		}
		if f.collected < 5 || f.collected > 10 {
			t.Errorf("%d collections of 100 ms in 10 s", f.collected)
		}
	})
}

// Short memory refuses like MAX_CONNECTIONS, with another name.
func TestLimiterOfMemory(t *testing.T) {
	t.Parallel()
	f := &fakeMemory{live: 900}
	l := New(Options{Memory: NewMemory(1000, 0, f)})
	l.options.Memory.Look()
	ip := netip.MustParseAddr("192.0.2.1")
	for name, acquire := range map[string]func(netip.Addr) (func(), error){
		"socket": l.AcquireSocket, "handshake": func(ip netip.Addr) (func(), error) { return l.PreAuth(ip, nil) },
		"stream": func(ip netip.Addr) (func(), error) { return l.AcquireStream(ip, "") },
	} {
		_, err := acquire(ip)
		refused, ok := err.(*Error)
		if !ok || refused.HTTPStatus() != 503 || refused.RetryAfter() != 5*time.Second ||
			refused.Error() != "Too many connections (memory limit)" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := l.options.Memory.Refused(); n != 3 {
		t.Errorf("%d refused, want 3", n)
	}
	var none *Memory
	if NewMemory(0, 0, f) != none || none.IsShort() || none.refuses() || none.Refused() != 0 {
		t.Error("without a limit something is refused")
	}
	if used, limit := none.Usage(); used != 0 || limit != 0 {
		t.Error(used, limit)
	}
}

// The source of this process measures something.
func TestOwnMemory(t *testing.T) {
	t.Parallel()
	p := ownProcess(cgroup{})
	own, kernel := p.Used()
	if own < 1<<20 || own > 1<<40 || kernel != 0 {
		t.Errorf("own %d, kernel %d", own, kernel)
	}
}
