package notify

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestStatsCountWhatWentWrong(t *testing.T) {
	h := newHub(t, Options{HistorySize: 70})
	m := attach(t, h, Attachment{ClientID: "slow", Rooms: []string{"x"}})
	volatile := func() { deliver(t, h, &Message{Rooms: []string{"x"}, Type: "t", Volatile: true}) }

	numbers(t, h, inboxSize)
	volatile() // no place in the inbox
	numbers(t, h, 1)
	volatile() // the member lags
	numbers(t, h, 10)
	if s := h.Stats(); s.Lagged != 1 || s.Lagging != 1 || s.Dropped != 2 {
		t.Errorf("stats %+v", s)
	}
	if s := m.Status(); !s.Lagging || s.Lag != 75 || s.Pending != 0 {
		t.Errorf("status %+v", s)
	}
	pull(m) // a gap of 5, then 70

	attach(t, h, Attachment{ClientID: "waits", Rooms: []string{"x"}, Resume: at(70)})
	pull(attach(t, h, Attachment{ClientID: "back", Rooms: []string{"x"}, Resume: at(70)}))
	pull(attach(t, h, Attachment{ClientID: "lost", Rooms: []string{"x"}, Resume: &Cursor{Invalid: true}}))
	h.Covers(Attachment{ClientID: "asks", Rooms: []string{"x"}, Resume: &Cursor{Invalid: true}}) // told to nobody

	s := h.Stats()
	if s.Lagged != 1 || s.Lagging != 1 || s.Dropped != 2 || s.Replays != 2 || s.Replayed != 5 {
		t.Errorf("stats %+v", s)
	}
	for reason, want := range map[string]uint64{GapTrimmed: 1, GapInvalid: 1, GapAhead: 0, GapEpoch: 0, GapTooMany: 0} {
		if got, there := s.Gaps[reason]; !there || got != want {
			t.Errorf("gaps %s: %d %v, want %d", reason, got, there, want)
		}
	}
}

func TestAcceptedIsTheTimeOfThePublishWhateverTheTimestampSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(NewMemoryLog(), Options{})
		defer h.Close()
		time.Sleep(time.Minute)
		m := &Message{Rooms: []string{"x"}, Type: "t", Timestamp: time.Now().Add(-time.Hour)}
		deliver(t, h, m)
		if !m.Accepted().Equal(time.Now()) {
			t.Errorf("accepted %v at %v", m.Accepted(), time.Now())
		}
	})
}
