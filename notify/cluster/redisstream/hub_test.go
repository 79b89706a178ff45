package redisstream

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/roomcast/roomcast/notify"
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
