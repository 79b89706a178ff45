package redisstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// newHub returns a Hub over a log that is ready.
func newHub(t testing.TB, l *Log) *notify.Hub {
	t.Helper()
	h := notify.New(l, notify.DefaultOptions())
	t.Cleanup(h.Close)
	servertest.Receive(t, l.Ready())
	return h
}

// pulled adds what a member can pull to the ids of its messages. A gap counts as "gap".
func pulled(m *notify.Member, seen []string) []string {
	buf := make([]notify.Delivery, 16)
	for {
		n, _ := m.Pull(buf)
		if n == 0 {
			return seen
		}
		for _, d := range buf[:n] {
			switch {
			case d.Message != nil:
				seen = append(seen, d.Message.ID.String())
			case d.Gap != nil:
				seen = append(seen, "gap "+d.Gap.Reason)
			}
		}
	}
}

func send(t testing.TB, h *notify.Hub, text string) notify.Receipt {
	t.Helper()
	data, _ := json.Marshal(text)
	receipt, err := h.Publish(t.Context(), notify.Notification{Type: "t", Data: data}, notify.ToChannel("c"))
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

// Members of two nodes get the same ids, and a client goes from one node to the other without a gap,
// also to a node that has read less: that one waits.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := chaos.New(t, s.Addr(), 1)
	near, far := dial(t, options(s.URL())), dial(t, options("redis://"+proxy.Addr))
	a, b := newHub(t, openLog(t, near, nil)), newHub(t, openLog(t, far, nil))
	ma, mb := servertest.Attach(t, a, "a", "u", "c"), servertest.Attach(t, b, "b", "u", "c")
	var want, here, there []string
	for i := range 10 {
		receipt := send(t, []*notify.Hub{a, b}[i%2], fmt.Sprint(i))
		want = append(want, receipt.ID)
		if receipt.Delivered != 1 || !receipt.Stored {
			t.Errorf("receipt %+v", receipt)
		}
	}
	servertest.Eventually(t, "all messages", func() bool {
		here, there = pulled(ma, here), pulled(mb, there)
		return len(here) >= 10 && len(there) >= 10
	})
	if !slices.Equal(here, want) || !slices.Equal(there, want) {
		t.Errorf("got\n%q\n%q, want\n%q", here, there, want)
	}

	proxy.Stall(true)
	cursor := notify.ParseCursor(send(t, a, "ahead").ID)
	resumed := make(chan *notify.Member)
	go func() {
		for b.Head() != cursor.ID { // Wait gives up after a while, which a slow machine can take
			b.Wait(t.Context(), &cursor)
		}
		m, err := b.Attach(notify.Attachment{ClientID: "moved", Namespace: "/", Rooms: []string{"c"},
			Resume: &cursor})
		if err != nil {
			t.Error(err)
		}
		resumed <- m
	}()
	proxy.Stall(false)
	m := servertest.Receive(t, resumed)
	if m == nil {
		t.FailNow()
	}
	defer m.Detach()
	next := send(t, a, "next").ID
	var moved []string
	servertest.Eventually(t, "the next message", func() bool {
		moved = pulled(m, moved)
		return len(moved) > 0
	})
	if !slices.Equal(moved, []string{next}) {
		t.Errorf("after the move: %q, want %q", moved, next)
	}
}

// answers is a store of values of a client.
func answers(c *Client) kv.Store { return c.KV("answers", kv.Limits{Entries: 1000, Bytes: 1 << 20}) }

// once publishes with a key, and returns the value that is kept.
func once(t testing.TB, h *notify.Hub, in kv.Store, key, text string) (value string, err error) {
	claim := notify.Claim{In: in, Key: key, TTL: time.Minute, Value: func(results []notify.Result) []byte {
		return fmt.Appendf(nil, `"%s" is {"id":"%s"}, %s.`, text, results[0].Receipt.ID, results[0].Receipt.ID)
	}}
	data, _ := json.Marshal(text)
	receipt, err := h.Publish(notify.WithClaim(t.Context(), claim), notify.Notification{Type: "t", Data: data},
		notify.ToChannel("c"))
	var claimed *notify.ClaimedError
	if errors.As(err, &claimed) {
		return string(claimed.Value), nil
	}
	return fmt.Sprintf(`"%s" is {"id":"%s"}, %s.`, text, receipt.ID, receipt.ID), err
}

// One of many publishes with a key is stored, on any node, and the others get its value.
func TestClaim(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	other := dial(t, options(s.URLOf("roomcast", "node-password")))
	hubs := []*notify.Hub{newHub(t, openLog(t, c, nil)), newHub(t, openLog(t, other, nil))}
	stores := []kv.Store{answers(c), answers(other)}
	before := s.Do(t, "XLEN", "socket.io").(int64)
	values := make([]string, 100)
	var wg sync.WaitGroup
	for i := range values {
		wg.Go(func() {
			var err error
			if values[i], err = once(t, hubs[i%2], stores[i%2], "k", "same"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(slices.Compact(slices.Sorted(slices.Values(values)))) != 1 || !strings.Contains(values[0], `"same" is {"id":"1`) {
		t.Errorf("values %q", values)
	}
	if n := s.Do(t, "XLEN", "socket.io").(int64) - before; n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
	kept, err := stores[1].Get(t.Context(), "k")
	if string(kept) != values[0] || err != nil {
		t.Errorf("kept %q %v, want %q", kept, err, values[0])
	}
	if value, err := once(t, hubs[0], stores[0], "k2", "other"); err != nil || strings.Contains(value, "same") {
		t.Errorf("another key: %q %v", value, err)
	}
}

// A batch has one value, with all ids in their places.
func TestClaimOfBatch(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	l := openLog(t, c, nil)
	h, in := newHub(t, l), answers(c)
	items := make([]notify.Publication, 300)
	for i := range items {
		items[i] = notify.Publication{Notification: notify.Notification{Type: "t"}, Target: notify.ToChannel("c")}
	}
	ids := func(results []notify.Result) []byte {
		text := []byte("[")
		for _, r := range results {
			text = append(text, r.Receipt.ID+" "...)
		}
		return append(text, ']')
	}
	results, err := h.PublishBatch(notify.WithClaim(t.Context(),
		notify.Claim{In: in, Key: "k", TTL: time.Minute, Value: ids}), items)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := in.Get(t.Context(), "k"); string(kept) != string(ids(results)) || err != nil {
		t.Errorf("kept %s %v", kept, err)
	}
}

// deaf passes bytes on to a server, and loses replies while it is told to.
type deaf struct {
	addr  string
	loses atomic.Bool
}

func newDeaf(t *testing.T, to string) *deaf {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &deaf{addr: listener.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			running.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
			running.Go(func() {
				defer near.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := far.Read(buf)
					if err != nil {
						return
					}
					if d.loses.Load() {
						continue
					}
					if _, err := near.Write(buf[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return d
}

// The reply to a publish is lost. Many repetitions with its key give one message (R07).
func TestReplyIsLost(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	proxy := newDeaf(t, s.Addr())
	c := dial(t, options("redis://"+proxy.addr))
	defer c.Close() // before the end of the proxy
	l := openLog(t, c, nil)
	defer l.Close()
	h, in := newHub(t, l), answers(c)
	defer h.Close()
	m := servertest.Attach(t, h, "a", "u", "c")
	send(t, h, "before")
	proxy.loses.Store(true)
	if _, err := once(t, h, in, "k", "lost"); !errors.Is(err, notify.ErrUncertain) {
		t.Errorf("without a reply: %v", err)
	}
	proxy.loses.Store(false)
	values := make([]string, 100)
	var wg sync.WaitGroup
	for i := range values {
		wg.Go(func() {
			servertest.Eventually(t, "a reply", func() (ok bool) {
				var err error
				values[i], err = once(t, h, in, "k", "lost")
				return err == nil
			})
		})
	}
	wg.Wait()
	last := send(t, h, "after")
	var seen []string
	servertest.Eventually(t, "the last message", func() bool {
		seen = pulled(m, seen)
		return slices.Contains(seen, last.ID)
	})
	if len(seen) != 3 || len(slices.Compact(slices.Sorted(slices.Values(values)))) != 1 ||
		!strings.Contains(values[0], seen[1]) {
		t.Errorf("delivered %q, values %q", seen, values)
	}
}
