package redisstream

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// A node starts without its server, and is ready when that is there (R01).
func TestServerIsAwayAtStart(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	s.Kill()
	c, _ := newClient(t, options(s.URL()))
	l := newLog(t, c, nil)
	readFrom(t, l)
	err := l.Append(t.Context(), []*notify.Message{message("early")})
	if !errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrUncertain) {
		t.Errorf("without a server: %v", err)
	}
	if isClosed(l.Ready()) || !l.Head().IsZero() || l.Lag() != 0 {
		t.Error("the log is ready without a server")
	}
	s.Restart(t)
	servertest.Receive(t, l.Ready())
	add(t, l, "x")
}

// A server that syncs before it acknowledges, is killed, and comes back loses nothing, and the nodes go
// on (R02).
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	p, ra, rb := killed(t, "always")
	p.verify(t, ra)
	p.verify(t, rb)
	if !slices.Equal(ra.ids(), rb.ids()) || ra.lost() != nil || rb.lost() != nil {
		t.Errorf("the nodes differ, or have losses: %v %v", ra.lost(), rb.lost())
	}
}

// With everysec a server does not write to its file while a sync runs, for up to 2 seconds, and
// acknowledges all the same: what a node has read and is lost then, nodes know of. What none has read
// leaves no trace: on a slow machine a publish is acknowledged before its node reads it.
func TestServerIsKilledDuringSync(t *testing.T) {
	t.Parallel()
	p, ra, rb := killed(t, "everysec")
	servertest.Eventually(t, "all messages that are not known to be lost", func() bool {
		atA, atB := p.missing(ra), p.missing(rb)
		return !slices.ContainsFunc(slices.Concat(atA, atB), func(id notify.ID) bool {
			isRead := !slices.Contains(atA, id) || !slices.Contains(atB, id)
			return isRead && !ra.knows(id) && !rb.knows(id)
		})
	})
}

// knows reports whether a message is known to be lost.
func (r *reader) knows(id notify.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, head := range r.losses {
		if last := r.messages[r.places[i]-1].ID; id.Seq > head.Seq && id.Seq <= last.Seq {
			return true
		}
	}
	return slices.ContainsFunc(r.forks, func(f notify.Fork) bool {
		return id.Seq > f.From.Seq && id.Seq <= f.To.Seq
	})
}

// killed kills a server some times, under load of two nodes.
func killed(t *testing.T, appendfsync string) (p *publisher, ra, rb *reader) {
	s := redistest.Start(t, redistest.Options{Append: appendfsync})
	c := dial(t, options(s.URL()))
	a, b := openLog(t, c, nil), openLog(t, c, nil)
	ra, rb = readFrom(t, a), readFrom(t, b)
	p = publish(t, "m", a, a, b, b)
	for range servertest.Soaked(2) {
		p.more(t, 100)
		s.Kill()
		s.Restart(t)
	}
	p.more(t, 100)
	p.stop()
	return p, ra, rb
}

// A server that comes back empty makes one loss at each node, and the next publish is delivered (R03).
func TestServerIsEmptied(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c := dial(t, options(s.URL()))
	a, b := openLog(t, c, nil), openLog(t, c, nil)
	ra, rb := readFrom(t, a), readFrom(t, b)
	last := add(t, a, "before")
	rb.awaitText(t, "before")
	s.RestartEmpty(t)
	servertest.Eventually(t, "losses", func() bool { return len(ra.lost()) > 0 && len(rb.lost()) > 0 })
	next := add(t, b, "after")
	for i, r := range []*reader{ra, rb} {
		r.awaitText(t, "after")
		lost := r.lost()
		if len(lost) != 1 || lost[0].Seq >= next.ID.Seq || next.ID.Seq <= last.ID.Seq {
			t.Errorf("node %d: losses %v, then %v after %v", i, lost, next.ID, last.ID)
		}
	}
	if a.Losses() != 1 || b.Losses() != 1 {
		t.Errorf("%d and %d losses", a.Losses(), b.Losses())
	}
}

// A stream that is gone, and that another server begins again before a node sees that, is not one that was
// trimmed: what the log has delivered is lost, and so is all else that the server had. A node that starts
// later knows it, too.
func TestStreamBeginsAgain(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	if v, _ := s.Do(t, "INFO", "server").(string); strings.Contains(v, "redis_version:6.") {
		t.Skip("before version 7 a server does not count what was added")
	}
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	last := add(t, l, "before")
	later := fmt.Sprintf("%d-0", last.ID.Seq>>22+1)
	s.Do(t, "EVAL", `redis.call('DEL', KEYS[1]); return redis.call('XADD', KEYS[1], ARGV[1], 'uid', 'n',
		'nsp', '/', 'type', '3', 'data', ARGV[2])`, "1", "socket.io", later,
		`{"packet":{"type":2,"data":["after"]},"opts":{"rooms":[],"except":[],"flags":{}}}`)
	servertest.Eventually(t, "what was added", func() bool { return len(r.ids()) == 2 })
	if lost := r.lost(); len(lost) != 1 || lost[0] != noPosition {
		t.Errorf("losses %v", lost)
	}
	if f := nextFork(t, c); f.From != noPosition || f.To.Seq < last.ID.Seq {
		t.Errorf("a fork from %v to %v, and %v is lost", f.From, f.To, last.ID)
	}
}

// A server that comes and goes makes no goroutines, and the order holds (R05). The test is not
// parallel, because it counts the goroutines of the process.
func TestServerFlaps(t *testing.T) {
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	c := dial(t, options("redis://"+proxy.Addr))
	a, b := openLog(t, c, nil), openLog(t, dial(t, options(s.URL())), nil)
	ra, rb := readFrom(t, a), readFrom(t, b)
	add(t, a, "first")
	rb.awaitText(t, "first")
	before := runtime.NumGoroutine()
	p := publish(t, "m", a, b)
	for range servertest.Soaked(5) {
		p.more(t, 50)
		proxy.Refuse(true)
		proxy.Cut(1)
		p.more(t, 50) // of b
		proxy.Refuse(false)
		count := a.nonce.Load()
		servertest.Eventually(t, "an append of the first node", func() bool { return a.nonce.Load() > count+2 })
	}
	p.stop()
	p.verify(t, ra)
	p.verify(t, rb)
	if !slices.Equal(ra.ids(), rb.ids()) || ra.lost() != nil || rb.lost() != nil {
		t.Errorf("the nodes differ, or have losses: %v %v", ra.lost(), rb.lost())
	}
	servertest.Eventually(t, "as many goroutines as before", func() bool {
		return runtime.NumGoroutine() <= before+5
	})
}

// A server that stalls makes publishes fail in time; what it gets later is there once (R06).
func TestServerStalls(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	add(t, l, "before")
	s.Pause(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			begun := time.Now()
			err := l.Append(t.Context(), []*notify.Message{message(fmt.Sprint("late ", i))})
			if took := time.Since(begun); !errors.Is(err, notify.ErrUnavailable) || took < Timeout/2 {
				t.Errorf("error %v after %v", err, took)
			} else if limit := Timeout + 200*time.Millisecond; took > limit {
				t.Logf("it took %v, expected less than %v on a quiet machine", took, limit)
			}
		})
	}
	wg.Wait()
	if lag := l.Lag(); lag < Timeout {
		t.Errorf("lag %v after a stall of more than %v", lag, Timeout)
	}
	s.Continue(t)
	servertest.Eventually(t, "no lag", func() bool { return l.Lag() < Timeout })
	servertest.Eventually(t, "a publish", func() bool {
		return l.Append(t.Context(), []*notify.Message{message("after")}) == nil
	})
	r.awaitText(t, "after")
	texts := r.texts()
	slices.Sort(texts)
	if n := len(texts); n != len(slices.Compact(texts)) {
		t.Errorf("messages were delivered twice: %q", texts)
	}
	if lost := r.lost(); lost != nil {
		t.Errorf("losses %v", lost)
	}
}

// A stream that is trimmed before a node has read it makes one loss (R10).
func TestStreamIsTrimmed(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	slow := openLog(t, dial(t, options("redis://"+proxy.Addr)), nil)
	fast := openLog(t, dial(t, options(s.URL())), func(o *LogOptions) { o.MaxLen = 100 })
	rs, rf := readFrom(t, slow), readFrom(t, fast)
	first := add(t, fast, "first")
	rs.awaitText(t, "first")
	proxy.Stall(true)
	for i := range 500 {
		add(t, fast, fmt.Sprint(i))
	}
	proxy.Stall(false)
	add(t, fast, "last")
	rs.awaitText(t, "last")
	lost := rs.lost()
	if len(lost) != 1 || lost[0].Seq <= first.ID.Seq || slow.Losses() != 1 {
		t.Errorf("losses %v after %v", lost, first.ID)
	}
	if rf.lost() != nil {
		t.Errorf("the node that reads in time has losses %v", rf.lost())
	}
	all, part := rf.ids(), rs.ids()
	begin, end := part[:rs.places[0]], part[rs.places[0]:]
	if !slices.Equal(begin, all[:len(begin)]) || !slices.Equal(end, all[len(all)-len(end):]) {
		t.Errorf("the slow node has %d messages, and after the loss %d of %d, not the last ones", len(begin),
			len(end), len(all))
	}
}
