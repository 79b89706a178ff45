package redisstream

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
	"github.com/roomcast/roomcast/server/servertest"
)

// openLog returns a log that has read the history. The test closes it.
func openLog(t testing.TB, c *Client, change func(*LogOptions)) *Log {
	t.Helper()
	l := newLog(t, c, change)
	servertest.Receive(t, l.known)
	return l
}

// newLog returns a log that may not have reached the server. The test closes it.
func newLog(t testing.TB, c *Client, change func(*LogOptions)) *Log {
	t.Helper()
	o := DefaultLogOptions()
	if change != nil {
		change(&o)
	}
	l, err := OpenLog(c, o)
	if err != nil {
		t.Fatal(err)
	}
	l.pending.mu.Lock()
	l.pending.patience = servertest.Patience // a test waits for the tail, however slow the machine is
	l.pending.mu.Unlock()
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func message(text string) *notify.Message {
	data, _ := json.Marshal(text)
	return &notify.Message{Namespace: "/", Rooms: []string{"r"}, Type: "t", Data: data,
		Timestamp: time.Now().UTC().Truncate(time.Millisecond)}
}

// reader has what a log delivers.
type reader struct {
	mu       sync.Mutex
	messages []*notify.Message
	losses   []notify.ID // after the first one, which is where the log begins
	places   []int       // of the losses: how many messages were before
	forks    []notify.Fork
	begun    bool
}

func readFrom(t testing.TB, l *Log) *reader {
	t.Helper()
	r := &reader{}
	l.Follow(func(b notify.Batch) func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if b.Loss != nil && r.begun {
			r.losses = append(r.losses, b.Loss.Head)
			r.places = append(r.places, len(r.messages))
		}
		if r.begun = true; b.Fork != nil {
			r.forks = append(r.forks, *b.Fork)
		}
		r.messages = append(r.messages, b.Messages...)
		return nil
	})
	return r
}

// nextFork returns the first fork that a new log delivers.
func nextFork(t testing.TB, c *Client) notify.Fork {
	t.Helper()
	forks := make(chan notify.Fork, 16)
	openLog(t, c, nil).Follow(func(b notify.Batch) func() {
		if b.Fork != nil {
			forks <- *b.Fork
		}
		return nil
	})
	return servertest.Receive(t, forks)
}

func (r *reader) lost() []notify.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.losses)
}

// texts returns the data of all messages.
func (r *reader) texts() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.messages {
		all = append(all, string(m.Data))
	}
	return all
}

// awaitText waits for a message.
func (r *reader) awaitText(t testing.TB, text string) {
	t.Helper()
	servertest.Eventually(t, "message "+text, func() bool {
		return slices.Contains(r.texts(), fmt.Sprintf("%q", text))
	})
}

func add(t testing.TB, l *Log, text string) *notify.Message {
	t.Helper()
	m := message(text)
	if err := l.Append(t.Context(), []*notify.Message{m}); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestContract(t *testing.T) {
	t.Parallel()
	logtest.Test(t, func(t *testing.T) logtest.Subject {
		s, c := start(t)
		l := openLog(t, c, nil)
		return logtest.Subject{
			Log: l, Peer: openLog(t, c, nil),
			Renew: func() { s.Do(t, "FLUSHALL") },
			Trim: func() {
				s.Do(t, "EVAL", `for i = 1, 3 do redis.call('XADD', KEYS[1], '*', 'x', i) end
					redis.call('XTRIM', KEYS[1], 'MAXLEN', 1)`, "1", "socket.io")
			},
			Stall: func() func() {
				s.Pause(t)
				return func() { s.Continue(t) }
			},
			Reopen: func() notify.Log {
				_ = l.Close()
				return openLog(t, c, nil)
			},
		}
	})
}
