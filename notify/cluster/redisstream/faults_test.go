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
	if isClosed(l.Ready()) || !l.Head().IsZero() {
		t.Error("the log is ready without a server")
	}
	s.Restart(t)
	servertest.Receive(t, l.Ready())
	add(t, l, "x")
}

// publisher appends messages until stop, and remembers what was acknowledged.
type publisher struct {
	quit          chan struct{}
	running       sync.WaitGroup
	mu            sync.Mutex
	acked         map[string]notify.ID // guarded by mu
	sent, refused int                  // guarded by mu
}

func publish(t *testing.T, name string, logs ...*Log) *publisher {
	p := &publisher{quit: make(chan struct{}), acked: map[string]notify.ID{}}
	for w, l := range logs {
		p.running.Go(func() {
			for i := 0; !isClosed(p.quit); i++ {
				m := message(fmt.Sprint(name, " ", w, " ", i))
				err := l.Append(t.Context(), []*notify.Message{m})
				p.mu.Lock()
				if p.sent++; err == nil {
					p.acked[string(m.Data)] = m.ID
				} else {
					p.refused++
				}
				p.mu.Unlock()
				if err != nil && !errors.Is(err, notify.ErrUnavailable) {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	return p
}

// count returns how many messages were acknowledged.
func (p *publisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

// more waits for n more acknowledgements.
func (p *publisher) more(t *testing.T, n int) {
	t.Helper()
	n += p.count()
	servertest.Eventually(t, "more publishes", func() bool { return p.count() >= n })
}

func (p *publisher) stop() {
	close(p.quit)
	p.running.Wait()
}

// verify checks that a reader has every acknowledged message once, under its id, in the order of the
// ids. others says that it may have others, which were not acknowledged.
func (p *publisher) verify(t *testing.T, r *reader) {
	t.Helper()
	servertest.Eventually(t, "all acknowledged messages", func() bool {
		got := map[string]bool{}
		for _, text := range r.texts() {
			got[text] = true
		}
		for text := range p.acked {
			if !got[text] {
				return false
			}
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for i, m := range r.messages {
		text := string(m.Data)
		if id, ok := p.acked[text]; ok && id != m.ID {
			t.Errorf("%s has id %v, and was acknowledged with %v", text, m.ID, id)
		}
		if seen[text] {
			t.Errorf("%s was delivered twice", text)
		}
		if seen[text] = true; i > 0 && m.ID.Seq <= r.messages[i-1].ID.Seq {
			t.Errorf("id %v after %v", m.ID, r.messages[i-1].ID)
		}
	}
}

// A server that is killed and comes back with its file loses nothing that was acknowledged, and the
// nodes go on (R02).
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Append: "everysec"})
	c := dial(t, options(s.URL()))
	a, b := openLog(t, c, nil), openLog(t, c, nil)
	ra, rb := readFrom(t, a), readFrom(t, b)
	p := publish(t, "m", a, a, b, b)
	for range servertest.Soaked(2) {
		p.more(t, 200)
		s.Kill()
		s.Restart(t)
	}
	p.more(t, 200)
	p.stop()
	p.verify(t, ra)
	p.verify(t, rb)
	if !slices.Equal(ra.ids(), rb.ids()) || ra.lost() != nil || rb.lost() != nil {
		t.Errorf("the nodes differ, or have losses: %v %v", ra.lost(), rb.lost())
	}
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

// A server that comes and goes makes no goroutines, and the order holds (R05).
func TestServerFlaps(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	c := dial(t, options("redis://"+proxy.Addr))
	a, b := openLog(t, c, nil), openLog(t, dial(t, options(s.URL())), nil)
	ra, rb := readFrom(t, a), readFrom(t, b)
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
	if n := countGoroutines("redisstream.(*Log)"); n > 100 { // of all tests that run
		t.Errorf("%d goroutines of logs", n)
	}
}

// countGoroutines counts goroutines that run a function.
func countGoroutines(of string) (n int) {
	buf := make([]byte, 8<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, of) {
			n++
		}
	}
	return n
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
	s.Continue(t)
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
