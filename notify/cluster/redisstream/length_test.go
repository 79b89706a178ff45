package redisstream

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/server/servertest"
)

// addMany adds entries to the stream as a server with a maxLen does.
func addMany(t testing.TB, s interface {
	Do(testing.TB, ...string) any
}, n, maxLen string) {
	t.Helper()
	s.Do(t, "EVAL", `for i = 1, ARGV[1] do
		redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'x', i) end`, "1", "socket.io", n, maxLen)
}

const keptShorter = "kept shorter than REDIS_MAXLEN"

// A server on Node with the default maxLen keeps the stream at 10,000 entries: the log says so once.
func TestStreamIsKeptShort(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	logger, lines := servertest.NewLog()
	c.o.Log = logger
	l := openLog(t, c, nil)
	readFrom(t, l)
	addMany(t, s, "9000", "100000")
	first := add(t, l, "before")
	if err := l.Wait(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(lines.Text(), keptShorter) {
		t.Error("said of a stream that grows")
	}
	servertest.Eventually(t, "the log says so", func() bool {
		addMany(t, s, "500", "10000")
		return strings.Contains(lines.Text(), keptShorter)
	})
	for range 10 {
		addMany(t, s, "500", "10000")
	}
	last := add(t, l, "after")
	if err := l.Wait(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(lines.Text(), keptShorter); n != 1 {
		t.Errorf("said %d times", n)
	}
	if l.Losses() != 0 || !l.IsUp() {
		t.Errorf("%d losses, up %v", l.Losses(), l.IsUp())
	}
	s.Kill()
	servertest.Eventually(t, "down", func() bool { return !l.IsUp() })
}

// Whatever is added, and whenever the looks are, only a stream that another server shortens is said to
// be too short, and that before it has removed many entries.
func TestLength(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		maxLen := rapid.IntRange(1_000, 20_000).Draw(t, "maxLen")
		other := rapid.SampledFrom([]int{maxLen * 2, maxLen, maxLen / 2, 100}).Draw(t, "other")
		limit := min(maxLen, other)
		var s length
		n := rapid.IntRange(0, limit).Draw(t, "n")
		said, removed, top, read := false, 0, 0, 0
		id := func(i int) streamID { return streamID{1, uint64(i)} }
		for range 60 {
			added := rapid.IntRange(0, 1500).Draw(t, "added")
			top += added
			if n += added; n >= limit+100 { // about
				removed += n - limit
				n = limit
			}
			if s.isDue() {
				s.ask(n, id(top))
			}
			for until := rapid.IntRange(read, top).Draw(t, "read"); read < until; {
				read++
				said = s.pass(id(read), maxLen) || said
			}
			if id(read).compare(s.top) >= 0 {
				said = s.compare(maxLen) || said
			}
		}
		for read < top+1 { // all, and one more
			read++
			said = s.pass(id(read), maxLen) || said
		}
		switch isShort := other < maxLen; {
		case said && !isShort:
			t.Fatal("said of a stream that nobody else shortens")
		case !said && isShort && removed > 12*lookEvery:
			t.Fatalf("not said after %d entries", removed)
		}
	})
}
