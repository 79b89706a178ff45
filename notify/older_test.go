package notify

import (
	"context"
	"errors"
	"testing"
	"time"
)

// overLog is an Archive with the messages 1 to n of every room, of which all but the last are over.
type overLog struct {
	*MemoryLog
	n      uint64
	reads  int
	cancel func() // called by each read; may be nil
}

func (*overLog) Floor(string) uint64 { return 0 }

func (l *overLog) Read(in []Span, until uint64, limit int, _ int64) (page []*Message, all bool, err error) {
	if l.reads++; l.cancel != nil {
		l.cancel()
	}
	for seq := in[0].After + 1; seq <= min(until, l.n) && len(page) < limit; seq++ {
		page = append(page, l.message(seq))
	}
	return page, len(page) < limit, nil
}

func (l *overLog) message(seq uint64) *Message {
	m := &Message{ID: ID{0x5f3a9c01, seq}, Namespace: "/", Rooms: []string{"x"}, Timestamp: time.Unix(1e9, 0)}
	if seq < l.n {
		m.TTL = time.Second
	}
	return m
}

func (l *overLog) Newest([]Span, uint64, int) ([]*Message, error) { return nil, nil }

func newOverHub(t *testing.T, n uint64) (*Hub, *overLog) {
	log := &overLog{MemoryLog: NewMemoryLog(), n: n}
	log.head = ID{0x5f3a9c01, n}
	h := New(log, DefaultOptions())
	t.Cleanup(h.Close)
	return h, log
}

// A page of a history in which everything is over has a bound. Reading on from its end finds the
// message that is not over.
func TestHistoryOfExpiredMessages(t *testing.T) {
	t.Parallel()
	const n = 3*maxOlder + 17
	h, log := newOverHub(t, n)
	since, pages := Cursor{All: true}, 0
	for {
		page, err := h.History(t.Context(), []string{"x"}, since, 1)
		if err != nil || page.Gap {
			t.Fatalf("%+v, %v", page, err)
		}
		if pages++; len(page.Messages) == 1 {
			if page.Messages[0].ID.Seq != n || page.Next != page.Messages[0].ID {
				t.Errorf("%+v", page)
			}
			break
		}
		if page.Next.Seq <= since.ID.Seq || page.Next.Seq > since.ID.Seq+maxOlder+olderPage {
			t.Fatalf("the page after %v ends at %v", since.ID, page.Next)
		}
		since = Cursor{ID: page.Next}
	}
	if pages < 3 || log.reads > 25*pages {
		t.Errorf("%d pages with %d reads", pages, log.reads)
	}
	if page, err := h.History(t.Context(), []string{"x"}, Cursor{ID: h.Head()}, 1); err != nil ||
		page.Next != h.Head() || len(page.Messages) > 0 {
		t.Errorf("after the last message: %+v, %v", page, err)
	}
}

// A history ends with the request that asked for it.
func TestHistoryEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	h, log := newOverHub(t, maxOlder/2)
	ctx, cancel := context.WithCancel(t.Context())
	log.cancel = cancel
	page, err := h.History(ctx, []string{"x"}, Cursor{All: true}, 1)
	if !errors.Is(err, context.Canceled) || log.reads != 1 || len(page.Messages) > 0 {
		t.Errorf("%+v, %v after %d reads", page, err, log.reads)
	}
}
