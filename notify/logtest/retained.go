package logtest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// RetainedLog is a log with the store that it writes retained messages to.
type RetainedLog struct {
	notify.Log
	notify.RetainedStore
}

// TestRetained tests the contract of notify.RetainedStore and its log. Each call of open returns a
// function that opens one and the same log, as one process after another does; the first time it is
// empty. now is the clock of the log.
func TestRetained(t *testing.T, open func(t *testing.T, now func() time.Time) (next func() RetainedLog)) {
	for name, test := range map[string]func(*testing.T, func() RetainedLog, *clock){
		"the newest of each room and type is there": newestRetained,
		"only what is retained is there":            onlyRetained,
		"what is deleted is not there":              deletedRetained,
		"what is over is not there":                 expiredRetained,
	} {
		t.Run(name, func(t *testing.T) {
			var now clock
			test(t, open(t, now.now), &now)
		})
	}
}

// clock is a time that a test moves on.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time {
	return time.UnixMilli(1_800_000_000_000).Add(time.Duration(c.Load())).UTC()
}

// retain appends messages "room type data ttl", with Retain.
func retain(t *testing.T, log notify.Log, at time.Time, texts ...string) (all []*notify.Message) {
	t.Helper()
	for _, text := range texts {
		of := strings.Fields(text)
		m := &notify.Message{Namespace: "/", Rooms: []string{of[0]}, Type: of[1], Data: []byte(of[2]),
			Timestamp: at, Retain: true}
		if len(of) > 3 {
			m.TTL, _ = time.ParseDuration(of[3])
		}
		all = append(all, m)
	}
	log.Follow(func(notify.Batch) func() { return nil })
	if err := log.Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return all
}

// expectRetained compares what a store has, with the ids.
func expectRetained(t *testing.T, s notify.RetainedStore, want ...*notify.Message) {
	t.Helper()
	show := func(all []*notify.Message) (texts []string) {
		for _, m := range all {
			texts = append(texts, fmt.Sprint(m.ID, m.Rooms, m.Type, string(m.Data), m.TTL, m.Retain,
				m.Timestamp.UnixMilli()))
		}
		slices.Sort(texts)
		return texts
	}
	if got, want := show(s.Retained()), show(want); !slices.Equal(got, want) {
		t.Errorf("the store has\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func newestRetained(t *testing.T, next func() RetainedLog, now *clock) {
	all := retain(t, next(), now.now(), "a x 1", "a y 2", "b x 3", "a x 4", "ax y 5", "a xy 6")
	expectRetained(t, next(), all[1:]...)
	more := retain(t, next(), now.now(), "b x 7")
	expectRetained(t, next(), all[1], all[3], all[4], all[5], more[0])
}

func onlyRetained(t *testing.T, next func() RetainedLog, _ *clock) {
	log := next()
	log.Follow(func(notify.Batch) func() { return nil })
	if err := log.Append(t.Context(), []*notify.Message{message("a")}); err != nil {
		t.Fatal(err)
	}
	expectRetained(t, log)
	expectRetained(t, next())
}

func deletedRetained(t *testing.T, next func() RetainedLog, now *clock) {
	log := next()
	all := retain(t, log, now.now(), "a x 1", "a xy 2", "b x 3")
	for _, of := range [][2]string{{"a", "x"}, {"a", "unknown"}, {"unknown", "x"}} {
		if err := log.DeleteRetained(t.Context(), of[0], of[1]); err != nil {
			t.Fatal(err)
		}
	}
	expectRetained(t, log, all[1:]...)
	expectRetained(t, next(), all[1:]...)
}

func expiredRetained(t *testing.T, next func() RetainedLog, now *clock) {
	all := retain(t, next(), now.now(), "a x 1 1m", "a y 2 1m1ms", "a z 3")
	now.Add(int64(time.Minute))
	expectRetained(t, next(), all[1:]...)
}
