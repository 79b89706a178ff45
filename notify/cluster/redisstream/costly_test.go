package redisstream

import (
	"strconv"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// idleAtLarge returns a log that has read everything of a stream, whose last entry is large, and what it
// delivers from now on.
func idleAtLarge(t *testing.T, s *redistest.Server, c *Client, size int) (*Log, *[]notify.Batch) {
	t.Helper()
	l, got := unread(c), &[]notify.Batch{}
	if err := l.readHistory(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.deliver = func(b notify.Batch) func() {
		*got = append(*got, b)
		return nil
	}
	addLarge(t, s, 1, size)
	for range 2 { // the entry, and that there are no others
		if err := l.readNew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !l.tail.isSure || l.tail.size < size || len(*got) != 1 {
		t.Fatalf("sure %v at %d bytes, %d batches", l.tail.isSure, l.tail.size, len(*got))
	}
	*got = nil
	return l, got
}

// While nothing is new, a large entry is not sent again.
func TestLargeEntryIsNotReadAgain(t *testing.T) {
	t.Parallel()
	s, c := startUnhurried(t)
	const size = 1 << 20
	l, got := idleAtLarge(t, s, c, size)
	sent := func() int {
		n, err := strconv.Atoi(s.Info(t, "total_net_output_bytes"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := sent()
	if err := l.readNew(t.Context()); err != nil || *got != nil {
		t.Errorf("%d batches, %v", len(*got), err)
	}
	if n := sent() - before; n > size/4 {
		t.Errorf("the server has sent %d bytes", n)
	}
	s.Do(t, "XADD", "socket.io", "*", "a", "b")
	addLarge(t, s, 1, 10)
	if err := l.readNew(t.Context()); err != nil || len(*got) != 1 || (*got)[0].Loss != nil {
		t.Errorf("%d batches, %v", len(*got), err)
	}
}

// What happens to a stream whose last entry is large is noticed, as with any other.
func TestLossAtLargeEntry(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(do func(...string), at string){
		"gone": func(do func(...string), _ string) { do("DEL", "socket.io") },
		"behind": func(do func(...string), _ string) {
			do("DEL", "socket.io")
			do("XADD", "socket.io", "1-1", "a", "b")
		},
		"emptied": func(do func(...string), _ string) { do("XTRIM", "socket.io", "MAXLEN", "0") },
		"another with its id": func(do func(...string), at string) {
			do("DEL", "socket.io")
			do("XADD", "socket.io", at, "a", "b")
			do("XADD", "socket.io", "*", "a", "b")
		},
		"removed": func(do func(...string), at string) {
			do("XDEL", "socket.io", at)
			do("XADD", "socket.io", "*", "a", "b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := startUnhurried(t)
			l, got := idleAtLarge(t, s, c, 100<<10)
			spoil(func(args ...string) { s.Do(t, args...) }, l.tail.at.id.String())
			for range 4 { // the stream is gone, or empty, and has another entry then
				if err := l.readNew(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			losses := 0
			for _, b := range *got {
				if b.Loss != nil {
					losses++
				}
			}
			if losses != 1 {
				t.Errorf("%d losses in %d batches", losses, len(*got))
			}
		})
	}
}
