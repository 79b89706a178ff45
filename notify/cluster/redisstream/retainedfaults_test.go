package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// The stream forgets, and all nodes still have what is retained.
func TestRetainedOutlivesStream(t *testing.T) {
	t.Parallel()
	s, c, hubs := startHubs(t, 2)
	retain(t, hubs[0], "x", "1", 0)
	retain(t, hubs[1], "y", "2", 0)
	for i := range 20 {
		send(t, hubs[i%2], fmt.Sprint(i))
	}
	s.Do(t, "XTRIM", "socket.io", "MAXLEN", "0")
	late := newHub(t, openLog(t, c, nil))
	awaitKinds(t, "x 1, y 2", append(hubs, late)...)
	if m := servertest.Attach(t, late, "late", "u", "c"); m != nil {
		buf := make([]notify.Delivery, 8)
		if n, _ := m.Pull(buf); n != 2 {
			t.Errorf("the member has %d deliveries, want 2", n)
		}
	}
}

// A node that the stream was trimmed for has what is retained meanwhile, and not what was deleted.
func TestRetainedAfterLoss(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	sl := openLog(t, dial(t, options("redis://"+proxy.Addr)), nil)
	slow := newHub(t, sl)
	fast := newHub(t, openLog(t, dial(t, options(s.URL())), nil))
	retain(t, fast, "x", "1", 0)
	retain(t, fast, "y", "1", 0)
	awaitKinds(t, "x 1, y 1", slow)
	proxy.Stall(true)
	retain(t, fast, "x", "2", 0)
	retain(t, fast, "z", "1", 0)
	if n, err := fast.DeleteRetained(t.Context(), notify.ToChannel("c"), "y"); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	s.Do(t, "XTRIM", "socket.io", "MAXLEN", "0")
	send(t, fast, "after")
	proxy.Stall(false)
	awaitKinds(t, "x 2, z 1", slow, fast)
	servertest.Eventually(t, "a loss", func() bool { return sl.Losses() == 1 })
}

// A server that has lost everything has nothing that is retained: no node brings it back.
func TestRetainedIsLost(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	c := dial(t, options(s.URL()))
	la, lb := openLog(t, c, nil), openLog(t, c, nil)
	a, b := newHub(t, la), newHub(t, lb)
	retain(t, a, "x", "1", 0)
	retain(t, b, "y", "1", 0)
	awaitKinds(t, "x 1, y 1", a, b)
	s.RestartEmpty(t)
	awaitKinds(t, "", a, b)
	servertest.Eventually(t, "losses", func() bool { return la.Losses() == 1 && lb.Losses() == 1 })
	servertest.Eventually(t, "a publish", func() bool {
		_, err := tryRetain(t.Context(), a, "z", "1", 0)
		return err == nil
	})
	awaitKinds(t, "z 1", a, b, newHub(t, openLog(t, c, nil)))
	if n := s.Do(t, "HLEN", retainedHash); n != int64(1) {
		t.Errorf("the server retains %v, want 1", n)
	}
}

// A replica that has not got the last changes takes over: all nodes have what it has.
func TestRetainedOfReplica(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	a, b := newHub(t, openLog(t, p.client, nil)), newHub(t, openLog(t, p.client, nil))
	retain(t, a, "x", "kept", 0)
	retain(t, a, "y", "kept", 0)
	retain(t, b, "z", "kept", 0)
	awaitKinds(t, "x kept, y kept, z kept", a, b)
	m := servertest.Attach(t, b, "m", "u", "c")
	p.part(t)
	retain(t, a, "x", "lost", 0)
	retain(t, b, "v", "lost", 0)
	if n, err := b.DeleteRetained(t.Context(), notify.ToChannel("c"), "y"); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	awaitKinds(t, "z kept, x lost, v lost", a, b)
	p.takeOver()
	awaitKinds(t, "x kept, y kept, z kept", a, b, newHub(t, openLog(t, p.client, nil)))
	var got []string // of a member that had not read before
	buf := make([]notify.Delivery, 8)
	for n, _ := m.Pull(buf); n > 0; n, _ = m.Pull(buf) {
		for _, d := range buf[:n] {
			if d.Retained != nil {
				got = append(got, d.Retained.Message.Type+" "+string(d.Retained.Message.Data))
			}
		}
	}
	if want := []string{`x "kept"`, `y "kept"`, `z "kept"`}; !slices.Equal(got, want) {
		t.Errorf("the member got %q, want %q", got, want)
	}
}

// A state whose newest entry the tail does not find is that of a server that was replaced: the tail
// reads another one.
func TestRetainedStateIsStale(t *testing.T) {
	t.Parallel()
	_, c, hubs := startHubs(t, 1)
	retain(t, hubs[0], "x", "kept", 0)
	l := openLog(t, c, nil)
	l.tail.expected = mark{streamID{l.tail.at.id.ms, l.tail.at.id.n + 1}, 7}
	l.tail.state = &notify.RetainedState{At: l.tail.at.id.position()}
	h := newHub(t, l)
	if got := kinds(h); got != "" {
		t.Errorf("the state has %q", got)
	}
	retain(t, hubs[0], "y", "1", 0)
	awaitKinds(t, "x kept, y 1", h)
}

// A key that another program has taken for something else refuses a retained message before it is stored,
// as the error says.
func TestRetainedKeyOfAnotherProgram(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	for _, key := range []string{c.retainedKey(), c.retainedEndsKey()} {
		s.Do(t, "SET", key, "text")
		m := message("refused")
		m.Retain, m.TTL = true, time.Minute
		err := l.Append(t.Context(), []*notify.Message{m})
		if !errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrUncertain) ||
			!strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("%s: %v", key, err)
		}
		s.Do(t, "DEL", key)
	}
	add(t, l, "stored")
	r.awaitText(t, "stored")
	if texts := r.texts(); len(texts) != 1 {
		t.Errorf("delivered %q", texts)
	}
}
