// Package logtest tests implementations of notify.Log against its contract.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// Test tests the contract with logs of open. Each call of open returns an empty log, which Test
// closes.
func Test(t *testing.T, open func(t *testing.T) notify.Log) {
	for name, test := range map[string]func(*testing.T, notify.Log){
		"ids are consecutive and belong to the epoch":        ids,
		"append returns after the follower has the pointers": pointers,
		"after runs without locks of the log":                after,
		"concurrent appends have one order":                  order,
		"a batch has consecutive ids":                        batch,
		"append with a canceled context stores nothing":      canceled,
		"append to a closed log fails":                       closed,
	} {
		t.Run(name, func(t *testing.T) {
			log := open(t)
			defer log.Close()
			test(t, log)
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
	log.Follow(log.Head(), func(messages []*notify.Message) func() {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, messages...)
		return nil
	})
	return func() []*notify.Message {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func ids(t *testing.T, log notify.Log) {
	start := log.Head()
	if start.Epoch == 0 || start.Seq != 0 {
		t.Fatalf("head of an empty log = %v, want seq 0 of an epoch", start)
	}
	follow(log)
	for i := range 3 {
		m := message("x")
		if err := log.Append(t.Context(), []*notify.Message{m}); err != nil {
			t.Fatal(err)
		}
		if want := (notify.ID{Epoch: start.Epoch, Seq: uint64(i + 1)}); m.ID != want ||
			log.Head() != want {
			t.Fatalf("id %v, head %v, want %v", m.ID, log.Head(), want)
		}
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
	log.Follow(log.Head(), func([]*notify.Message) func() {
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
	for i, m := range all {
		if m.ID.Seq != uint64(i+1) {
			t.Fatalf("message %d has id %v", i, m.ID)
		}
	}
}

func batch(t *testing.T, log notify.Log) {
	follow(log)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				a, b := message("a"), message("b")
				if err := log.Append(t.Context(), []*notify.Message{a, b}); err != nil ||
					b.ID.Seq != a.ID.Seq+1 {
					t.Errorf("batch has ids %v and %v, error %v", a.ID, b.ID, err)
				}
			}
		})
	}
	wg.Wait()
}

func canceled(t *testing.T, log notify.Log) {
	got := follow(log)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Append(ctx, []*notify.Message{message("a")}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if head := log.Head(); head.Seq != 0 || len(got()) != 0 {
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
