package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// id returns the id of a number in the epoch of the tests.
func id(n int) string { return fmt.Sprintf("0000000a-%d", n) }

// key returns the key of the message with the id of a number.
func key(n int) string { return fmt.Sprintf("m%d", n) }

// publish notes acknowledged messages.
func publish(b *Book, channel string, numbers ...int) {
	for _, n := range numbers {
		b.Try(key(n), channel)
		b.Acked(key(n), id(n))
	}
}

// see notes messages that a reader received.
func see(r *Reader, numbers ...int) {
	for _, n := range numbers {
		r.See(key(n), id(n))
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		write func(*Book, *Reader)
		want  map[Kind]int
	}{
		"everything once": {func(_ *Book, r *Reader) { see(r, 1, 2, 3, 4, 5) }, nil},
		"one is missing":  {func(_ *Book, r *Reader) { see(r, 1, 2, 4, 5) }, map[Kind]int{Lost: 1}},
		"the end is missing": {func(_ *Book, r *Reader) { see(r, 1, 2) },
			map[Kind]int{Lost: 3}},
		"nothing arrives": {func(*Book, *Reader) {}, map[Kind]int{Lost: 5}},
		"one arrives again at once": {func(_ *Book, r *Reader) { see(r, 1, 2, 2, 3, 4, 5) },
			map[Kind]int{Double: 1}},
		"one arrives again later": {func(_ *Book, r *Reader) { see(r, 1, 2, 3, 4, 5, 2) },
			map[Kind]int{Double: 1}},
		"two change places": {func(_ *Book, r *Reader) { see(r, 1, 3, 2, 4, 5) },
			map[Kind]int{Disorder: 1}},
		"one arrives with another's id": {func(_ *Book, r *Reader) {
			see(r, 1, 2, 3, 4)
			r.See(key(5), id(6))
		}, map[Kind]int{Foreign: 1}},
		"an id is not valid": {func(_ *Book, r *Reader) {
			see(r, 1, 2, 3, 4)
			r.See(key(5), "5")
		}, map[Kind]int{Foreign: 1}},
		"nobody sent one": {func(_ *Book, r *Reader) { see(r, 1, 2, 3, 4, 5, 6) },
			map[Kind]int{Foreign: 1}},
		"one of another channel": {func(b *Book, r *Reader) {
			publish(b, "others", 6)
			see(r, 1, 2, 3, 4, 5, 6)
		}, map[Kind]int{Foreign: 1}},
		"those of other channels are not owed": {func(b *Book, r *Reader) {
			publish(b, "others", 6)
			see(r, 1, 2, 3, 4, 5)
		}, nil},
		"one in doubt arrives": {func(b *Book, r *Reader) {
			b.Try(key(6), "c")
			see(r, 1, 2, 3, 4, 5, 6)
		}, nil},
		"one in doubt does not arrive": {func(b *Book, r *Reader) {
			b.Try(key(6), "c")
			see(r, 1, 2, 3, 4, 5)
		}, nil},
		"one in doubt arrives twice": {func(b *Book, r *Reader) {
			b.Try(key(6), "c")
			see(r, 1, 2, 3, 4, 5, 6)
			r.See(key(6), id(7))
		}, map[Kind]int{Double: 1}},
		"a refused one arrives": {func(b *Book, r *Reader) {
			b.Try(key(6), "c")
			b.Refused(key(6))
			see(r, 1, 2, 3, 4, 5, 6)
		}, map[Kind]int{Foreign: 1}},
		"two acknowledgements with different ids": {func(b *Book, r *Reader) {
			b.Acked(key(5), id(6))
			see(r, 1, 2, 3, 4, 5)
		}, map[Kind]int{Double: 1}},
		"an acknowledgement without an id": {func(b *Book, r *Reader) {
			b.Try(key(6), "c")
			b.Acked(key(6), "")
			see(r, 1, 2, 3, 4, 5)
		}, map[Kind]int{Foreign: 1}},
		"a gap covers what is missing": {func(_ *Book, r *Reader) {
			see(r, 1, 2)
			r.Gap(id(2), id(4), "c")
			see(r, 5)
		}, nil},
		"a gap of all channels": {func(_ *Book, r *Reader) {
			r.Gap("", id(4))
			see(r, 5)
		}, nil},
		"a gap covers less than what is missing": {func(_ *Book, r *Reader) {
			see(r, 1)
			r.Gap(id(2), id(3), "c")
			see(r, 5)
		}, map[Kind]int{Lost: 2}},
		"a gap of another channel": {func(_ *Book, r *Reader) {
			see(r, 1, 2)
			r.Gap(id(2), id(4), "others")
			see(r, 5)
		}, map[Kind]int{Lost: 2}},
		"what a gap covers may arrive": {func(_ *Book, r *Reader) {
			r.Gap(id(0), id(4), "c")
			see(r, 1, 2, 3, 4, 5)
		}, nil},
		"a fork": {func(b *Book, r *Reader) {
			b.Forked = true
			b.Try("lost", "c")
			see(r, 1, 2, 3)
			r.See("lost", id(9)) // at a server that lost it
			r.Gap(id(9), id(9))
			see(r, 4, 5)
		}, nil},
		"disorder after a fork": {func(b *Book, r *Reader) {
			b.Forked = true
			see(r, 1, 2, 3)
			r.Gap(id(3), id(3))
			see(r, 5, 4)
		}, map[Kind]int{Disorder: 1}},
		"disorder after a gap": {func(_ *Book, r *Reader) {
			see(r, 1, 2, 3)
			r.Gap(id(3), id(4))
			see(r, 5, 4)
		}, map[Kind]int{Disorder: 1}},
		"a new epoch without a gap": {func(b *Book, r *Reader) {
			b.Try("new", "c")
			b.Acked("new", "00000001-1")
			see(r, 1, 2, 3)
			r.See("new", "00000001-1")
		}, map[Kind]int{Lost: 2}},
		"a new epoch with a gap": {func(b *Book, r *Reader) {
			see(r, 1, 2, 3)
			b.Try("new", "c")
			b.Acked("new", "00000001-1")
			r.Gap(id(3), "00000001-0")
			r.See("new", "00000001-1")
		}, nil},
		"the old epoch after the new one": {func(b *Book, r *Reader) {
			see(r, 1, 2, 3, 4)
			b.Try("new", "c")
			b.Acked("new", "00000001-1")
			r.See("new", "00000001-1")
			see(r, 5)
		}, map[Kind]int{Disorder: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := NewBook()
			r := b.Reader("r", "c")
			r.Start(id(0))
			publish(b, "c", 1, 2, 3, 4, 5)
			tt.write(b, r)
			report := b.Check()
			for _, kind := range []Kind{Lost, Double, Disorder, Foreign} {
				if got := report.Of(kind); got != tt.want[kind] {
					t.Errorf("%d %s, want %d: %s", got, kind, tt.want[kind], report)
				}
			}
		})
	}
}

// A reader is owed what follows its start, and nothing before it has started.
func TestStart(t *testing.T) {
	t.Parallel()
	b := NewBook()
	r, never := b.Reader("late", "c"), b.Reader("never", "c")
	publish(b, "c", 1, 2, 3)
	if n := b.Behind(); n != 0 {
		t.Errorf("%d readers are behind before they start", n)
	}
	r.Start(id(2))
	r.Start(id(9)) // of a later connection
	if n := b.Behind(); n != 1 {
		t.Errorf("%d readers are behind, want the one that has started", n)
	}
	see(r, 3)
	if n := b.Behind(); n != 0 {
		t.Errorf("%d readers are behind after they have seen everything", n)
	}
	if report := b.Check(); len(report.Violations) > 0 || len(never.seen) > 0 {
		t.Error(report)
	}
}

// Whatever is removed, repeated or moved in what a reader saw, the check finds it, and finds nothing
// in the whole.
func TestCheckFindsEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "messages")
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = i + 1
		}
		order := slices.Clone(numbers) // acknowledgements come in any order
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(n, func(i, j int) {
			order[i], order[j] = order[j], order[i]
		})
		want := Kind("")
		at := rapid.IntRange(0, n-1).Draw(t, "at")
		switch rapid.SampledFrom([]string{"", "remove", "repeat", "move"}).Draw(t, "change") {
		case "remove":
			numbers, want = slices.Delete(numbers, at, at+1), Lost
		case "repeat":
			to := rapid.IntRange(at+1, n).Draw(t, "to")
			numbers, want = slices.Insert(numbers, to, numbers[at]), Double
		case "move":
			if at == 0 {
				at = 1
			}
			to := rapid.IntRange(0, at-1).Draw(t, "to")
			moved := numbers[at]
			numbers = slices.Insert(slices.Delete(numbers, at, at+1), to, moved)
			want = Disorder
		}
		b := NewBook()
		r := b.Reader("r", "c")
		r.Start(id(0))
		publish(b, "c", order...)
		see(r, numbers...)
		report := b.Check()
		if want == "" && len(report.Violations) > 0 || want != "" && report.Of(want) == 0 {
			t.Fatalf("want %q: %s", want, report)
		}
	})
}
