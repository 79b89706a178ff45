package redisstream

import (
	"context"
	"io"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
)

// drawReply draws what a server can reply.
func drawReply(t *rapid.T, depth int) any {
	most := 3
	if depth > 0 {
		most = 4
	}
	switch rapid.IntRange(0, most).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Int64().Draw(t, "number")
	case 2:
		texts := []string{"", "nsp", "1-1", "entries", "last-generated-id", "x"}
		return rapid.SampledFrom(texts).Draw(t, "text")
	case 3:
		return errReply
	}
	list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
	for i := range list {
		list[i] = drawReply(t, depth-1)
	}
	return list
}

// Whatever a server replies, it is read or refused.
func TestReplies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reply := drawReply(t, 4)
		entries, err := readEntries(reply)
		if err == nil && len(entries) != len(reply.([]any)) {
			t.Fatalf("%d entries of %v", len(entries), reply)
		}
		_, _ = readEntry(reply)
		var s state
		_ = s.readInfo(reply, nil)
		list, _ := reply.([]any)
		_, _ = readIDs(list, len(list))
	})
}

// The hash of an entry is that of its fields, and not of their text in a row.
func TestHash(t *testing.T) {
	t.Parallel()
	hash := func(fields ...any) uint64 {
		e, err := readEntry([]any{"1-1", fields})
		if err != nil {
			t.Fatal(err)
		}
		return e.hash
	}
	same := hash("a", "bc")
	if same != hash("a", "bc") || same == hash("ab", "c") || same == hash("a", "bc", "", "") {
		t.Error("hashes do not tell entries apart")
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p       page
		n, each int
		want    page
	}{
		{firstPage, 0, 0, firstPage},
		{maxPage, 3, 400, firstPage}, // the next ones can be large
		{firstPage, firstPage, 400, 256},
		{maxPage, maxPage, 400, maxPage},
		{maxPage, maxPage, 100_000, 42},
		{16, 16, 8_000_000, 1},
		{1, 0, 0, 2},
		{16, 16, 100, 32},
	} {
		if got := test.p.next(test.n, test.n*test.each); got != test.want {
			t.Errorf("%d after %d entries: %d, want %d", test.p, test.n, got, test.want)
		}
	}
	for _, test := range []struct {
		err  error
		want page
	}{
		{nil, 16}, {context.DeadlineExceeded, 8}, {io.EOF, 8}, {errNotSent, 16}, {&dialError{io.EOF}, 16},
	} {
		if got := page(16).after(test.err); got != test.want {
			t.Errorf("after %v: %d, want %d", test.err, got, test.want)
		}
	}
	if got := page(1).after(io.EOF); got != 1 {
		t.Errorf("the smallest page: %d", got)
	}
}

func FuzzStreamID(f *testing.F) {
	for _, text := range []string{"1795966207981-0", "0-1", "1-4194303",
		"18446744073709551615-18446744073709551615", "-", "1", "1-", "+1-1", "01-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := parseID(text)
		if !ok {
			return
		}
		if again, ok := parseID(id.String()); !ok || again != id {
			t.Errorf("%q is %v, and %v again", text, id, again)
		}
		at := id.position()
		if exact, ok := id.id(); ok && at != exact || at.Epoch != notify.StreamEpoch {
			t.Errorf("position of %v: %v, id %v", id, at, exact)
		}
		if next := id.next(); id.ms < math.MaxUint64 && next.position().Seq < at.Seq {
			t.Errorf("%v is at %v, %v at %v", id, at, next, next.position())
		}
	})
}
