package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A burst may be longer than HistorySize: connected members get all of it, and a client that
// reconnects within HistoryMinAge too. After that the room keeps HistorySize messages.
func TestBurstLongerThanHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.HistorySize, o.MaxReplay = 3, 2000
		h := New(NewMemoryLog(), o)
		defer h.Close()
		m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"x"}})
		start := h.Head()
		const burst = 1000
		var batch []Publication
		for range burst {
			batch = append(batch, Publication{Notification{Type: "t", Data: []byte("1")}, ToChannel("x")})
		}
		results, err := h.PublishBatch(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil || !r.Receipt.Stored || r.Receipt.Delivered != 1 {
				t.Fatalf("receipt %d is %+v, %v", i, r.Receipt, r.Err)
			}
		}
		count := func(m *Member) (n int) {
			for _, d := range pull(m) {
				if d.Gap != nil {
					t.Errorf("a gap: %+v", d.Gap)
				}
				if d.Message != nil {
					n++
				}
			}
			return n
		}
		if n := count(m); n != burst {
			t.Errorf("the connected member gets %d messages", n)
		}
		resumed := attach(t, h, Attachment{ClientID: "b", Rooms: []string{"x"}, Resume: &Cursor{ID: start}})
		if n := count(resumed); n != burst {
			t.Errorf("the member that reconnects gets %d messages", n)
		}
		time.Sleep(o.HistoryMinAge)
		send(t, h, "x", "x")
		if n := h.Stats().History; n != o.HistorySize {
			t.Errorf("%d messages are kept", n)
		}
	})
}

// A receipt does not say that a message is stored if the limits have removed it already.
func TestReceiptOfRemovedMessage(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{HistoryMaxBytes: 16 << 10})
	var batch []Publication
	for range 100 {
		data := fmt.Appendf(nil, "%q", strings.Repeat("x", 1000))
		batch = append(batch, Publication{Notification{Type: "t", Data: data}, ToChannel("x")})
	}
	results, err := h.PublishBatch(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for i, r := range results {
		if r.Receipt.Stored {
			stored++
		} else if stored > 0 {
			t.Errorf("message %d is not stored, an older one is", i)
		}
	}
	if kept := h.Stats().History; stored != kept || stored == 0 || stored == len(batch) {
		t.Errorf("%d receipts say that the message is stored, %d are kept", stored, kept)
	}
	if r := send(t, newHub(t, Options{HistoryMaxBytes: 1}), "x", "x"); r.Stored || r.ID == "" {
		t.Errorf("without room for a message: %+v", r)
	}
}
