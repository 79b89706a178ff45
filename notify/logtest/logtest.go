// Package logtest tests implementations of notify.Log, notify.SessionStore, notify.SharedSessions and
// notify.RetainedStore against their contracts.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// Subject is a log with what a test can do to it. A log that cannot do one of these leaves it nil.
type Subject struct {
	notify.Log

	Peer   notify.Log             // the log of another node; nil: no other node has it
	Renew  func()                 // loses all messages that the follower got
	Trim   func()                 // loses messages that the follower did not get
	Stall  func() (resume func()) // stores nothing until resume
	Reopen func() notify.Log      // opens the log again, as the next process does
}

// Test tests the contract with logs of open. Each call of open returns an empty log, which Test
// closes.
func Test(t *testing.T, open func(t *testing.T) Subject) {
	for name, test := range map[string]func(*testing.T, notify.Log){
		"ids rise in the epoch":                              ids,
		"the first batch says where the log begins":          begins,
		"append returns after the follower has the pointers": pointers,
		"after runs without locks of the log":                after,
		"concurrent appends have one order":                  order,
		"the messages of one append are neighbours":          batch,
		"append with a canceled context stores nothing":      canceled,
		"append to a closed log fails":                       closed,
		"a log that is followed is ready":                    ready,
		"wait knows which messages there are":                wait,
	} {
		t.Run(name, func(t *testing.T) {
			log := open(t)
			defer log.Close()
			test(t, log)
		})
	}
	for name, test := range map[string]func(*testing.T, Subject){
		"messages of another node are in the order": foreign,
		"a log that lost everything says so":        renewed,
		"a log that lost a part says so":            trimmed,
		"what may be stored is uncertain":           uncertain,
		"the next process has the messages":         reopened,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			test(t, s)
		})
	}
}

func message(text string) *notify.Message {
	return &notify.Message{
		Namespace: "/", Rooms: []string{"r"}, Type: "t", Data: fmt.Appendf(nil, "%q", text),
	}
}

// follow follows log and returns a function for the messages so far.
func follow(log notify.Log) func() []*notify.Message {
	var mu sync.Mutex
	var got []*notify.Message
	log.Follow(func(b notify.Batch) func() {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, b.Messages...)
		return nil
	})
	return func() []*notify.Message {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func begins(t *testing.T, log notify.Log) {
	head := log.Head()
	var first []notify.Batch
	log.Follow(func(b notify.Batch) func() {
		first = append(first, b)
		return nil
	})
	<-log.Ready()
	if len(first) != 1 || first[0].Loss == nil || first[0].Loss.Head != head ||
		len(first[0].Messages) != 0 {
		t.Fatalf("the first batches are %+v, want one with a loss up to %v", first, head)
	}
}

func ids(t *testing.T, log notify.Log) {
	start := log.Head()
	if start.Epoch == 0 {
		t.Fatalf("head of an empty log = %v, want an epoch", start)
	}
	follow(log)
	last := start
	for range 3 {
		m := message("x")
		if err := log.Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
		if m.ID.Epoch != start.Epoch || m.ID.Seq <= last.Seq || log.Head() != m.ID {
			t.Fatalf("id %v after %v, head %v", m.ID, last, log.Head())
		}
		last = m.ID
	}
}

func pointers(t *testing.T, log notify.Log) {
	got := follow(log)
	a, b := message("a"), message("b")
	for _, m := range []*notify.Message{a, b} {
		if err := log.Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
		if all := got(); len(all) == 0 || all[len(all)-1] != m {
			t.Fatal("Append returned before the follower had the message")
		}
	}
}

func after(t *testing.T, log notify.Log) {
	ran := false
	log.Follow(func(notify.Batch) func() {
		return func() {
			log.Head() // deadlocks if the log holds a lock
			ran = true
		}
	})
	if err := log.Append(t.Context(), []*notify.Message{message("a")}); err != nil || !ran {
		t.Fatalf("after ran: %v, error %v", ran, err)
	}
}

func order(t *testing.T, log notify.Log) {
	const writers, each = 4, 200
	got := follow(log)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := log.Append(t.Context(), []*notify.Message{message("x")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all := got()
	if len(all) != writers*each {
		t.Fatalf("%d messages followed, want %d", len(all), writers*each)
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID.Seq <= all[i-1].ID.Seq {
			t.Fatalf("message %d has id %v after %v", i, all[i].ID, all[i-1].ID)
		}
	}
}

func batch(t *testing.T, log notify.Log) {
	got := follow(log)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				pair := []*notify.Message{message("a"), message("b")}
				if err := log.Append(t.Context(), pair); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i, m := range got() {
		if want := []string{`"a"`, `"b"`}[i%2]; string(m.Data) != want {
			t.Fatalf("message %d is %s, want %s", i, m.Data, want)
		}
	}
}

func canceled(t *testing.T, log notify.Log) {
	got, start := follow(log), log.Head()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Append(ctx, []*notify.Message{message("a")}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if head := log.Head(); head != start || len(got()) != 0 {
		t.Fatalf("head %v after a failed append", head)
	}
}

func closed(t *testing.T, log notify.Log) {
	follow(log)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), []*notify.Message{message("a")}); !errors.Is(err,
		notify.ErrClosed) {
		t.Fatalf("error %v, want ErrClosed", err)
	}
}
