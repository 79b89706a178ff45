package sockets

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// The Intake interrupts the largest inputs, of several the one that began first, no more than
// necessary, and counts exactly.
func TestIntakeModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 100).Draw(t, "limit")
		intake := NewIntake(limit)
		type one struct {
			*Input
			size        int
			interrupted bool
		}
		var open []*one // in the order of Begin, without those that ended
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			step := rapid.IntRange(0, 2).Draw(t, "step")
			if step == 0 || len(open) == 0 {
				o := &one{}
				o.Input = intake.Begin(func() { o.interrupted = true })
				open = append(open, o)
				continue
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
			o := open[i]
			before := o.interrupted
			gone := map[*one]bool{}
			for _, o := range open {
				gone[o] = o.interrupted
			}
			if step == 1 {
				if err := o.End(); errors.Is(err, ErrCrowded) != before {
					t.Fatalf("End: %v, interrupted %t", err, before)
				}
				open = append(open[:i:i], open[i+1:]...)
			} else {
				grown := o.size + rapid.IntRange(0, 60).Draw(t, "more")
				if !before {
					o.size = grown
				}
				if err := o.Grow(grown); errors.Is(err, ErrCrowded) != o.interrupted {
					t.Fatalf("Grow: %v, interrupted %t", err, o.interrupted)
				}
			}
			used := 0
			for i, o := range open {
				if !o.interrupted {
					used += o.size
					continue
				}
				for j, other := range open {
					larger := other.size > o.size || other.size == o.size && j < i
					if !gone[o] && !other.interrupted && larger {
						t.Fatalf("input %d is interrupted before %d", i, j)
					}
				}
			}
			if intake.used != used || used > limit {
				t.Fatalf("%d bytes are used, want %d, at most %d", intake.used, used, limit)
			}
		}
	})
}

func TestIntakeReadAll(t *testing.T) {
	t.Parallel()
	intake := NewIntake(8 << 10)
	never := func() { t.Error("interrupted") }
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 5000} {
		want := strings.Repeat("x", n)
		got, err := intake.ReadAll(iotest.HalfReader(strings.NewReader(want)), 1<<10, never)
		if string(got) != want || err != nil || intake.used != 0 || intake.held.Len() != 0 {
			t.Errorf("%d bytes: got %d, %v; %d are used", n, len(got), err, intake.used)
		}
	}
	broken := errors.New("broken")
	_, err := intake.ReadAll(iotest.ErrReader(broken), 0, never)
	if err != broken || intake.held.Len() != 0 {
		t.Errorf("got %v", err)
	}
}

// A body that is not complete gives way to one that began later.
func TestIntakeInterruptsTheOldest(t *testing.T) {
	t.Parallel()
	intake := NewIntake(8 << 10)
	r, w := io.Pipe()
	slow := make(chan error)
	go func() {
		_, err := intake.ReadAll(r, 0, func() { _ = r.CloseWithError(errors.New("interrupted")) })
		slow <- err
	}()
	if _, err := w.Write(make([]byte, 4<<10+1)); err != nil { // it now has 8 KiB
		t.Fatal(err)
	}
	if got, err := intake.ReadAll(strings.NewReader(strings.Repeat("x", 1000)), 0, nil); len(got) != 1000 ||
		err != nil {
		t.Errorf("the next one: %d bytes, %v", len(got), err)
	}
	if err := <-slow; !errors.Is(err, ErrCrowded) {
		t.Errorf("the slow one: %v", err)
	}
}

func TestIntakeConcurrent(t *testing.T) {
	t.Parallel()
	intake := NewIntake(1000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				in := intake.Begin(func() {})
				for size := 0; size < 400; size += rand.IntN(100) {
					if in.Grow(size) != nil {
						break
					}
				}
				_ = in.End()
			}
		})
	}
	all.Wait()
	if intake.used != 0 || intake.held.Len() != 0 {
		t.Errorf("%d bytes of %d inputs are left", intake.used, intake.held.Len())
	}
}
