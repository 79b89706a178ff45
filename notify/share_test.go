package notify

import (
	"fmt"
	"net/netip"
	"testing"
)

// A room with more than a quarter of the bytes pays for new messages, its own and those of others,
// so that one busy channel does not evict what other rooms keep.
func TestHistoryHasShares(t *testing.T) {
	t.Parallel()
	m := func(names ...string) *Message {
		return &Message{Rooms: names, Data: make([]byte, 500)}
	}
	one := cost(m("r"))
	h := newHub(t, Options{HistoryMaxBytes: 40 * (one + roomBytes("r"))})
	for range 5 {
		deliver(t, h, m("a")) // 1 to 5
	}
	for range 100 {
		deliver(t, h, m("b")) // 6 to 105
	}
	kept := len(history(h, "b"))
	if got := fmt.Sprint(history(h, "a")); got != "[1 2 3 4 5]" || kept < 30 {
		t.Errorf("room a keeps %s, room b %d of 100", got, kept)
	}
	for range 25 {
		deliver(t, h, m("c")) // 106 to 130
	}
	a, b, c := history(h, "a"), history(h, "b"), history(h, "c")
	if len(a) != 5 || len(b) < 10 || len(b) > kept-15 || len(c) < 15 || b[len(b)-1] != 105 {
		t.Errorf("%d, %d and %d kept, the last of b is %d", len(a), len(b), len(c), b[len(b)-1])
	}
}

// A user or an address with more than a tenth of the kept sessions pays for new ones, so that many
// short visits of one client evict no session of another.
func TestSessionsHaveShares(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]Attachment{
		"a user":     {UserID: "mallory"},
		"an address": {Address: netip.MustParseAddr("192.0.2.1")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t, Options{MaxSessions: 100})
			visit := func(a Attachment, key string) {
				a.ClientID, a.Sessions = key, []string{key}
				attach(t, h, a).Detach()
			}
			for i := range 20 {
				visit(Attachment{UserID: fmt.Sprint("u", i),
					Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}, fmt.Sprint("early", i))
			}
			for i := range 500 {
				visit(of, fmt.Sprint("many", i))
			}
			visit(Attachment{UserID: "late"}, "late")
			kept := map[string]bool{}
			for _, key := range []string{"early0", "early19", "many420", "many421", "many499", "late"} {
				_, kept[key] = h.Session(key)
			}
			if kept["many420"] || !kept["many421"] || len(kept) != 6 || h.Stats().Sessions != 100 {
				t.Errorf("%d sessions: %v", h.Stats().Sessions, kept)
			}
			for _, key := range []string{"early0", "early19", "many499", "late"} {
				if !kept[key] {
					t.Errorf("session %s is gone", key)
				}
			}
			h.stop()
			h.expireSessions(h.o.Now().Add(h.o.SessionTTL))
			if s := &h.sessions; len(s.holders) != 0 || len(s.shares.Heavy()) != 0 || s.bytes != 0 {
				t.Errorf("%d holders, %d heavy and %d bytes are left of no session",
					len(s.holders), len(s.shares.Heavy()), s.bytes)
			}
		})
	}
}

// sized is data of a transport whose bytes count.
type sized int

func (s sized) Size() int { return int(s) }

// The data of kept sessions counts, whether it was set before or after the member detached.
func TestDataOfSessionsIsBounded(t *testing.T) {
	t.Parallel()
	o := DefaultOptions()
	o.MaxSessionBytes = 1 << 20
	h := newHub(t, o)
	for i := range 200 {
		id := fmt.Sprint(i)
		m := attach(t, h, Attachment{ClientID: id, Sessions: []string{id}})
		if i%2 == 0 {
			h.KeepData(id, sized(16<<10))
		}
		m.Detach()
		h.KeepData(id, sized(16<<10))
		h.KeepData(id, sized(16<<10)) // again: it counts once
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.sessions.kept.Len(); n < 50 || n > 64 || h.sessions.bytes > o.MaxSessionBytes {
		t.Errorf("%d sessions are kept, with %d bytes", n, h.sessions.bytes)
	}
	if len(h.sessions.holders) != 0 {
		t.Errorf("%d holders of sessions without a user and an address", len(h.sessions.holders))
	}
}
