package redisstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// A repeated request with retain is carried out once, and a node on a full server retains nothing.
func TestRetainedOnce(t *testing.T) {
	t.Parallel()
	s, c, hubs := startHubs(t, 2)
	in := answers(c)
	for i, h := range hubs {
		claim := notify.Claim{In: in, Key: "k", TTL: time.Minute, Value: func(r []notify.Result) []byte {
			return []byte(r[0].Receipt.ID)
		}}
		_, err := tryRetain(notify.WithClaim(t.Context(), claim), h, "x", fmt.Sprint(i), 0)
		var claimed *notify.ClaimedError
		if i == 0 && err != nil || i == 1 && !errors.As(err, &claimed) {
			t.Errorf("publish %d: %v", i, err)
		}
	}
	awaitKinds(t, "x 0", hubs...)
	entries := s.Do(t, "XLEN", "socket.io")
	s.Do(t, "CONFIG", "SET", "maxmemory", "1")
	if _, err := tryRetain(t.Context(), hubs[0], "y", "1", 0); !errors.Is(err, notify.ErrUnavailable) ||
		errors.Is(err, notify.ErrUncertain) {
		t.Errorf("on a full server: %v", err)
	}
	if _, err := hubs[0].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("a deletion on a full server: %v", err)
	}
	if s.Do(t, "HLEN", retainedHash) != int64(1) || s.Do(t, "XLEN", "socket.io") != entries {
		t.Error("the server has changed")
	}
	s.Do(t, "CONFIG", "SET", "maxmemory", "0")
	if n, err := hubs[1].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	s.Kill()
	if _, err := hubs[0].DeleteRetained(t.Context(), notify.ToChannel("c"), "x"); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("a deletion without a server: %v", err)
	}
}

// What the nodes retain together is bounded at each, also against the others and a foreign hash.
func TestRetainedBounds(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	open := func(size int, bytes int64) (*notify.Hub, *servertest.Log) {
		logger, log := servertest.NewLog()
		o := c.o
		o.Log = logger
		l := openLog(t, dial(t, o), func(o *LogOptions) { o.RetainedBytes = bytes })
		ho := notify.DefaultOptions()
		ho.RetainedSize, ho.RetainedMaxBytes = size, bytes
		h := notify.New(l, ho)
		t.Cleanup(h.Close)
		servertest.Receive(t, l.Ready())
		return h, log
	}
	large, _ := open(100, 1<<20)
	few, _ := open(2, 1<<20)
	none, _ := open(2, 0)
	for i := range 5 {
		retain(t, large, fmt.Sprint("t", i), "x", 0)
	}
	awaitKinds(t, "t0 x, t1 x, t2 x, t3 x, t4 x", large)
	awaitKinds(t, "t0 x, t1 x, t2 x, t3 x", few) // twice as many
	var full *notify.RetainError
	if _, err := tryRetain(t.Context(), few, "new", "x", 0); !errors.As(err, &full) {
		t.Errorf("above the limit: %v", err)
	}
	retain(t, large, "t0", strings.Repeat("x", 3000), 0)
	small, log := open(100, 1000)
	if n := len(small.Retained(notify.ToChannel("c"))); n > 2 || !strings.Contains(log.Text(), "RETAINED_MAX_BYTES") {
		t.Errorf("a node with less memory has %d, log %s", n, log.Text())
	}

	s.Do(t, "HSET", retainedHash, "garbage", "garbage", retainedSlot("c", "t9"), "5-1 3:uid")
	text := s.Do(t, "HGET", retainedHash, retainedSlot("c", "t1")).(string)
	s.Do(t, "HSET", retainedHash, retainedSlot("c", "t8"), text) // of another type
	late, log := open(100, 1<<20)
	awaitKinds(t, kinds(large), late)
	if !strings.Contains(log.Text(), "a retained notification is damaged") {
		t.Errorf("log %s", log.Text())
	}
	if got := kinds(none); got != "" {
		t.Errorf("a node that retains nothing has %q", got)
	}
}
