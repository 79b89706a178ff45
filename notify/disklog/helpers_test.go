package disklog

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/notify"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("ROOMCAST_SOAK") == "" {
		_ = flag.Set("rapid.checks", "8") // each opens many stores
	}
	goleak.VerifyTestMain(m)
}

// open opens a store that the test closes.
func open(t testing.TB, dir string, change func(*Options)) *Store {
	t.Helper()
	o := DefaultOptions(dir)
	o.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	if change != nil {
		change(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// follow follows the log and returns the first batch.
func follow(l *Log) (first notify.Batch) {
	l.Follow(func(b notify.Batch) func() {
		if b.Loss != nil {
			first = b
		}
		return nil
	})
	return first
}

func message(i int, rooms ...string) *notify.Message {
	return &notify.Message{Namespace: "/", Rooms: rooms, Type: "t",
		Data: json.RawMessage(fmt.Sprint(i))}
}

// add appends messages with the numbers from first to last.
func add(t testing.TB, l *Log, first, last int, rooms ...string) {
	t.Helper()
	for i := first; i <= last; i++ {
		if err := l.Append(t.Context(), []*notify.Message{message(i, rooms...)}); err != nil {
			t.Fatal(err)
		}
	}
}

// shown returns the data of messages.
func shown(messages []*notify.Message) (text string) {
	for _, m := range messages {
		text += string(m.Data) + " "
	}
	return text
}

// history is Hub.History.
func history(t interface {
	Helper()
	Context() context.Context
	Fatal(...any)
}, hub *notify.Hub, rooms []string, since notify.Cursor, limit int) ([]*notify.Message, bool) {
	t.Helper()
	page, err := hub.History(t.Context(), rooms, since, limit)
	if err != nil {
		t.Fatal(err)
	}
	return page.Messages, page.Gap
}
