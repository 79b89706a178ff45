package notify

import (
	"encoding/json"
	"testing"
	"time"
)

// Each limit of 0 disables what it limits. Live delivery goes on.
func TestZeroOptions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	base := DefaultOptions()
	base.Now = func() time.Time { return now }
	for _, c := range []struct {
		name    string
		change  func(*Options)
		resumed string // the deliveries of a client that missed two of three messages
		session bool   // sessions that are kept
	}{
		{"the defaults", func(*Options) {}, "2 3 recovery(true 2 1>3)", true},
		{"HistorySize", func(o *Options) {
			o.HistorySize = 0
		}, "gap(trimmed 1>3 [*] id 1) recovery(false 0 1>3)", true},
		{"HistoryTTL", func(o *Options) {
			o.HistoryTTL = 0
		}, "gap(trimmed 1>3 [*] id 1) recovery(false 0 1>3)", true},
		{"HistoryMaxBytes", func(o *Options) {
			o.HistoryMaxBytes = 0
		}, "gap(trimmed 1>3 [*] id 1) recovery(false 0 1>3)", true},
		{"MaxReplay", func(o *Options) {
			o.MaxReplay = 0
		}, "gap(too_many 1>3 [*] id 1) recovery(false 0 1>3)", true},
		{"SessionTTL", func(o *Options) { o.SessionTTL = 0 }, "2 3 recovery(true 2 1>3)", false},
		{"MaxSessions", func(o *Options) { o.MaxSessions = 0 }, "2 3 recovery(true 2 1>3)", false},
		{"MaxSessionBytes", func(o *Options) {
			o.MaxSessionBytes = 0
		}, "2 3 recovery(true 2 1>3)", false},
		{"none of them", func(o *Options) {
			*o = Options{Now: o.Now}
		}, "gap(trimmed 1>3 [*] id 1) recovery(false 0 1>3)", false},
		{"negative ones", func(o *Options) {
			*o = Options{HistorySize: -1, HistoryTTL: -1, HistoryMaxBytes: -1, SessionTTL: -1,
				MaxSessions: -1, MaxSessionBytes: -1, MaxReplay: -1, Now: o.Now}
		}, "gap(trimmed 1>3 [*] id 1) recovery(false 0 1>3)", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := base
			c.change(&o)
			log := NewMemoryLog()
			log.head.Epoch = 0x5f3a9c01
			h := New(log, o)
			defer h.Close()
			live := attach(t, h, Attachment{ClientID: "live"})
			for _, text := range []string{"1", "2", "3"} {
				send(t, h, text, "*")
			}
			expect(t, live, "1 2 3")
			attach(t, h, Attachment{ClientID: "c", UserID: "u", Sessions: []string{"k"}}).Detach()
			if _, kept := h.Session("k"); kept != c.session {
				t.Errorf("session kept: %v", kept)
			}
			h.Sweep(now)
			m := attach(t, h, Attachment{ClientID: "c", UserID: "u", Resume: at(1)})
			if got := shown(pull(m)); got != c.resumed {
				t.Errorf("resumed with\n     %s\nwant %s", got, c.resumed)
			}
			for _, gone := range []*Member{live, m} {
				gone.Detach()
			}
			h.Sweep(now.Add(time.Hour))
			if s := h.Stats(); s.HistoryBytes != 0 || s.History != 0 || s.Sessions != 0 ||
				s.Rooms != 0 {
				t.Errorf("left behind: %+v", s)
			}
		})
	}
}

// Without history the index frees a room at once, whatever the order of rooms in a message.
func TestNoHistoryKeepsNoRooms(t *testing.T) {
	t.Parallel()
	o := DefaultOptions()
	o.HistorySize = 0
	h := New(NewMemoryLog(), o)
	defer h.Close()
	m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"b"}})
	for range 3 {
		deliver(t, h, &Message{Rooms: []string{"a", "b", "c", "a"}, Type: "t",
			Data: json.RawMessage(`"x"`)})
	}
	expect(t, m, "x x x")
	h.stop() // the sweep, so that the test can read without the lock
	s := h.Stats()
	if s.Rooms != 3 || s.History != 0 || s.HistoryBytes != 0 || h.index.fifo.len() != h.index.dead {
		t.Errorf("%+v", s)
	}
}
