package disklog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// A small disk may have dropped messages that the memory still has. A client gets those from there, in
// the order of all, among the messages of another room that only the disk has.
func TestMemoryHasWhatTheDiskDropped(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), func(o *Options) { o.MaxBytes = 32 << 10 })
	defer closed(t, s)
	o := notify.DefaultOptions()
	o.HistorySize, o.HistoryMinAge = 8, 0
	hub := notify.New(s.Log(), o)
	defer hub.Close()
	away, want := hub.Head(), []string(nil)
	deliver := func(room string, size int) {
		t.Helper()
		text := fmt.Sprintf("%q", fmt.Sprint(len(want), strings.Repeat("x", size)))
		m := &notify.Message{Rooms: []string{room}, Type: "t", Data: json.RawMessage(text)}
		if _, err := hub.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if room != "other" {
			want = append(want, text)
		}
	}
	for range 7 {
		deliver("a", 3000)
		for range 3 {
			deliver("b", 1)
		}
	}
	for range 30 {
		deliver("other", 500)
	}
	s.Log().tend()
	if s.Log().Floor("a") == 0 || s.Log().Floor("b") > 0 {
		t.Fatalf("floors %v of %d", s.Log().floors.all(), s.Log().floor.Load())
	}
	if got, gaps := resume(t, hub, away, "a", "b"); !slices.Equal(got, want) || len(gaps) > 0 {
		t.Errorf("%d messages of %d, gaps %+v", len(got), len(want), gaps)
	}
}

// A page of the history that is cut, because its messages are large or their TTL is over, ends there:
// reading on from its last id passes over nothing.
func TestPagesOfHistory(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	defer closed(t, s)
	o := notify.DefaultOptions()
	o.HistorySize, o.HistoryMinAge, o.HistoryMaxBytes = 2, 0, 8000
	hub := notify.New(s.Log(), o)
	defer hub.Close()
	since, want := notify.Cursor{ID: hub.Head()}, ""
	for i := range 40 {
		m := message(i, "a")
		m.Metadata = json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)
		if i < 15 {
			m.TTL = time.Nanosecond
		} else {
			want += fmt.Sprint(i, " ")
		}
		if _, err := hub.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := ""
	for {
		page, gap := history(t, hub, []string{"a"}, since, 100)
		if gap {
			t.Error("a gap")
		}
		if len(page) == 0 {
			break
		}
		got += shown(page)
		since.ID = page[len(page)-1].ID
	}
	if got != want {
		t.Errorf("the pages have %s, want %s", got, want)
	}
}
