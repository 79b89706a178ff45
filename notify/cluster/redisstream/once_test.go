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
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

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

func areSame(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return v != values[0] })
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
	if !areSame(values) || !strings.Contains(values[0], `"same" is {"id":"1`) {
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

// lossyProxy passes bytes on to a server, and loses replies while it is told to.
type lossyProxy struct {
	addr  string
	loses atomic.Bool
}

func newLossyProxy(t *testing.T, to string) *lossyProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &lossyProxy{addr: listener.Addr().String()}
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
	proxy := newLossyProxy(t, s.Addr())
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
	if len(seen) != 3 || !areSame(values) || !strings.Contains(values[0], seen[1]) {
		t.Errorf("delivered %q, values %q", seen, values)
	}
}
