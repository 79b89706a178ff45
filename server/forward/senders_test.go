package forward

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWindowAgreesWithModel adds numbers in any order. The model has all of them.
func TestWindowAgreesWithModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen, highest := map[uint64]bool{}, uint64(0)
		base := rapid.Uint64Range(0, 1<<40).Draw(t, "base")
		for i := range rapid.IntRange(1, 50).Draw(t, "n") {
			step := rapid.OneOf(rapid.Uint64Range(0, 8), rapid.Uint64Range(0, 200),
				rapid.Uint64Range(windowSize-2, windowSize+2), rapid.Uint64Range(0, 4*windowSize))
			n := base + step.Draw(t, "step")
			if rapid.Bool().Draw(t, "go on") {
				base = n
			}
			if i == 0 {
				highest = n
			}
			want := !seen[n] && (n >= highest || highest-n < windowSize)
			if got := w.add(n); got != want {
				t.Fatalf("add(%d) is %v, want %v; highest %d", n, got, want, highest)
			}
			seen[n] = true
			highest = max(highest, n)
		}
	})
}

func TestSendersAdmit(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	s := senders{all: map[string]*sender{}}
	for _, c := range []struct {
		sender string
		count  uint64
		age    time.Duration
		ok     bool
	}{
		{"a", 5, 0, true}, {"a", 5, 0, false}, {"b", 5, 0, true}, {"a", 4, maxSkew, true},
		{"a", 6, maxSkew + 1, false}, {"a", 6, -maxSkew - 1, false}, {"a", 6, -maxSkew, true},
	} {
		err := s.admit(stamp{sender: c.sender, count: c.count, at: now.Add(-c.age)}, now)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestSendersAreBounded fills the table. A sender that is forgotten has sent nothing that is still
// young enough to be sent again.
func TestSendersAreBounded(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	s := senders{all: map[string]*sender{}}
	for i := range maxSenders {
		if err := s.admit(stamp{sender: fmt.Sprint(i), at: now.Add(maxSkew)}, now); err != nil {
			t.Fatal(err)
		}
	}
	next := stamp{sender: "next", at: now}
	if err := s.admit(next, now); !errors.Is(err, errSenders) {
		t.Errorf("sender %d: %v", maxSenders+1, err)
	}
	for later := now; later.Before(now.Add(2 * senderLife)); later = later.Add(time.Second) {
		if s.admit(stamp{sender: "0", at: now.Add(maxSkew)}, later) == nil {
			t.Fatalf("a request is admitted again after %v", later.Sub(now))
		}
		next.at, next.count = later, next.count+1
		err := s.admit(next, later)
		if want := later.Sub(now) > senderLife; (err == nil) != want {
			t.Fatalf("after %v: %v", later.Sub(now), err)
		}
	}
}
