package redisstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// nodeEntry adds an entry of Node with an id.
func nodeEntry(t *testing.T, s *redistest.Server, id, event string) {
	t.Helper()
	s.Do(t, "XADD", "socket.io", id, "uid", "n", "nsp", "/", "type", "3", "data", fmt.Sprintf(
		`{"opts":{"rooms":["r"],"except":[],"flags":{}},"packet":{"type":2,"data":["%s"]}}`, event))
}

// first follows a log and returns the first batch.
func first(t *testing.T, l *Log) (b notify.Batch) {
	t.Helper()
	l.Follow(func(of notify.Batch) func() {
		if of.Loss != nil {
			b = of
		}
		return nil
	})
	servertest.Receive(t, l.Ready())
	return b
}

func typesOf(b notify.Batch) (types string) {
	for _, m := range b.Messages {
		types += m.Type + " "
	}
	return strings.TrimSpace(types)
}

func streamIDOf(t *testing.T, text string) notify.ID {
	t.Helper()
	id, err := notify.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// The history begins after a message that a client can have, so that this client gets no gap.
func TestHistory(t *testing.T) {
	t.Parallel()
	now := time.Now().UnixMilli()
	at := func(age time.Duration, n int) string { return fmt.Sprintf("%d-%d", now-age.Milliseconds(), n) }
	old := func(n int) string { return at(time.Hour, n) }
	fresh := func(n int) string { return at(time.Minute, n) }
	type list [][2]string // id and event; without an event it is an entry of another application
	const all = 1 << 20
	for name, test := range map[string]struct {
		entries     list
		tail        int64
		want        string
		head, floor string // "" is the entry of the node
	}{
		"empty":           {nil, all, "", "", ""},
		"nothing is new":  {list{{old(0), "a"}}, all, "", old(0), old(0)},
		"no message":      {list{{old(0), ""}, {fresh(0), ""}}, all, "", old(0), old(0)},
		"some are old":    {list{{old(0), "a"}, {old(1), ""}, {fresh(0), "b"}}, all, "b", fresh(0), old(0)},
		"all are new":     {list{{fresh(1), "a"}, {fresh(2), "b"}}, all, "a b", fresh(2), fresh(0)},
		"all, and others": {list{{fresh(1), ""}, {fresh(2), "b"}}, all, "b", fresh(2), fresh(1)},
		"too many bytes":  {list{{fresh(1), "a"}, {fresh(2), "b"}, {fresh(3), "c"}}, 220, "b c", fresh(3), fresh(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := start(t)
			for _, e := range test.entries {
				if e[1] == "" {
					s.Do(t, "XADD", "socket.io", e[0], "x", "y")
					continue
				}
				nodeEntry(t, s, e[0], e[1])
			}
			l := openLog(t, c, func(o *LogOptions) { o.TailBytes = test.tail })
			head, b := l.Head(), first(t, l)
			if got := typesOf(b); got != test.want || !b.Retained {
				t.Errorf("messages %q, want %q, retained %v", got, test.want, b.Retained)
			}
			if test.floor == "" {
				if b.Loss.Head != head || head.Seq>>22 < uint64(now) {
					t.Errorf("begins at %v, head %v", b.Loss.Head, head)
				}
				return
			}
			if b.Loss.Head != streamIDOf(t, test.floor) || head != streamIDOf(t, test.head) {
				t.Errorf("begins at %v, head %v, want %v and %v", b.Loss.Head, head, test.floor, test.head)
			}
			for _, m := range b.Messages {
				if stored := time.UnixMilli(int64(m.ID.Seq >> 22)); !m.Stored.Equal(stored) {
					t.Errorf("%v was stored at %v, want %v", m.ID, m.Stored, stored)
				}
			}
		})
	}
}

// A history of many pages comes complete, in order, and the tail goes on after it.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	l := openLog(t, c, nil)
	readFrom(t, l)
	const calls, each = 15, 200
	var want []string
	for i := range calls {
		var batch []*notify.Message
		for j := range each {
			m := message(fmt.Sprint(i*each + j))
			batch, want = append(batch, m), append(want, string(m.Data))
		}
		if err := l.Append(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	next := openLog(t, c, nil)
	r := readFrom(t, next)
	servertest.Receive(t, next.Ready())
	add(t, l, "more")
	r.awaitText(t, "more")
	if got := r.texts(); !slices.Equal(got, append(want, `"more"`)) {
		t.Errorf("%d messages, want %d", len(got), len(want)+1)
	}
}

// What a Node server emits volatile is for those who are connected: it has no place in the history.
func TestVolatileEntry(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	l := openLog(t, c, nil)
	r := readFrom(t, l)
	s.Do(t, "XADD", "socket.io", "*", "uid", "n", "nsp", "/", "type", "3", "data",
		`{"opts":{"rooms":["r"],"except":[],"flags":{"volatile":true}},"packet":{"type":2,"data":["v"]}}`)
	add(t, l, "x")
	if !r.messages[0].Volatile || !slices.Equal(r.types(), []string{"v", "t"}) {
		t.Errorf("got %q", r.types())
	}
	if got := typesOf(first(t, openLog(t, c, nil))); got != "t" {
		t.Errorf("the next process has %q", got)
	}
}

// A node starts although the server stores nothing, and publishes are refused for sure.
func TestServerIsFull(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	readFrom(t, openLog(t, c, nil))
	nodeEntry(t, s, "*", "kept")
	s.Do(t, "CONFIG", "SET", "maxmemory", "1")
	l := openLog(t, c, nil)
	if got := typesOf(first(t, l)); got != "kept" {
		t.Errorf("messages %q", got)
	}
	err := l.Append(t.Context(), []*notify.Message{message("refused")})
	batch := l.Append(t.Context(), []*notify.Message{message("refused"), message("refused")})
	for _, err := range []error{err, batch} {
		if !errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrUncertain) ||
			!strings.Contains(err.Error(), "OOM") {
			t.Errorf("a full server: %v", err)
		}
	}
	s.Do(t, "CONFIG", "SET", "maxmemory", "0")
	add(t, l, "accepted")
}
