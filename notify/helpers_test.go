package notify

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"
)

// newHub returns a Hub over a memory log of epoch 5f3a9c01, with the default in place of each
// option that is zero.
func newHub(t testing.TB, o Options) *Hub {
	t.Helper()
	log := NewMemoryLog()
	log.head.Epoch = 0x5f3a9c01
	h := New(log, defaulted(o))
	t.Cleanup(h.Close)
	return h
}

func defaulted(o Options) Options {
	d := DefaultOptions()
	return Options{
		HistorySize:     cmp.Or(o.HistorySize, d.HistorySize),
		HistoryTTL:      cmp.Or(o.HistoryTTL, d.HistoryTTL),
		HistoryMaxBytes: cmp.Or(o.HistoryMaxBytes, d.HistoryMaxBytes),
		RetainedSize:    cmp.Or(o.RetainedSize, d.RetainedSize), RetainedStore: o.RetainedStore,
		RetainedMaxBytes: cmp.Or(o.RetainedMaxBytes, d.RetainedMaxBytes),
		SessionTTL:       cmp.Or(o.SessionTTL, d.SessionTTL),
		MaxSessions:      cmp.Or(o.MaxSessions, d.MaxSessions),
		MaxSessionBytes:  cmp.Or(o.MaxSessionBytes, d.MaxSessionBytes),
		MaxReplay:        cmp.Or(o.MaxReplay, d.MaxReplay), Now: o.Now, Tracer: o.Tracer,
	}
}

func attach(t testing.TB, h *Hub, a Attachment) *Member {
	t.Helper()
	m, err := h.Attach(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// send publishes text to rooms.
func send(t testing.TB, h *Hub, text string, rooms ...string) Receipt {
	t.Helper()
	return deliver(t, h, &Message{Rooms: rooms, Type: "t", Data: fmt.Appendf(nil, "%q", text)})
}

func deliver(t testing.TB, h *Hub, m *Message) Receipt {
	t.Helper()
	r, err := h.Deliver(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stored is Hub.History.
func stored(t testing.TB, h *Hub, rooms []string, since Cursor, limit int) ([]*Message, bool) {
	t.Helper()
	page, err := h.History(t.Context(), rooms, since, limit)
	if err != nil {
		t.Fatal(err)
	}
	return page.Messages, page.Gap
}

// pull returns everything that the member can pull.
func pull(m *Member) (all []Delivery) {
	buf := make([]Delivery, 7)
	for {
		n, _ := m.Pull(buf)
		if n == 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

// shown formats deliveries: the data of messages (~ marks volatile ones), gaps and recoveries in
// full.
func shown(all []Delivery) string {
	var words []string
	for _, d := range all {
		switch {
		case d.Message != nil:
			word := strings.Trim(string(d.Message.Data), `"`)
			if d.Message.Volatile {
				word = "~" + word
			}
			words = append(words, word)
		case d.Retained != nil: // its data, its id, and the id on the wire
			words = append(words, fmt.Sprintf("r:%s(%s@%s)",
				strings.Trim(string(d.Retained.Message.Data), `"`),
				seq(d.Retained.Message.ID.String()), seq(d.Retained.ID.String())))
		case d.Gap != nil:
			words = append(words, fmt.Sprintf("gap(%s %s>%s %v id %s)", d.Gap.Reason,
				seq(d.Gap.From), seq(d.Gap.To), d.Gap.Rooms, seq(d.Gap.ID.String())))
		case d.Recovery != nil:
			words = append(words, fmt.Sprintf("recovery(%v %d %s>%s)", d.Recovery.Recovered,
				d.Recovery.Replayed, seq(d.Recovery.From), seq(d.Recovery.To)))
		}
	}
	return strings.Join(words, " ")
}

// seq shortens an id of the epoch of newHub.
func seq(id string) string { return strings.TrimPrefix(id, "5f3a9c01-") }

func at(seq uint64) *Cursor { return &Cursor{ID: ID{0x5f3a9c01, seq}} }

// expect pulls everything and compares it.
func expect(t testing.TB, m *Member, want string) {
	t.Helper()
	if got := shown(pull(m)); got != want {
		t.Errorf("pulled\n got %s\nwant %s", got, want)
	}
}
