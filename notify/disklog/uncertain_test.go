package disklog

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// A publisher whose time is over while its message is being written is not told that the message is
// not stored: it is. One that still waits takes its message back. Two commits can be under way.
func TestUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		fs := slowDisk(&slow)
		s := open(t, "/data", func(o *Options) { *o = o.On(fs) })
		l := s.Log()
		follow(l)
		slow.Store(true)
		results := make([]chan error, 3)
		for n := range results {
			results[n] = make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				results[n] <- l.Append(ctx, []*notify.Message{message(n, "a")})
			}()
			synctest.Wait() // the last one waits, the others are being written
		}
		for n := range 2 {
			err := <-results[n]
			if !errors.Is(err, notify.ErrUncertain) || !errors.Is(err, notify.ErrUnavailable) {
				t.Errorf("message %d, which is being written: %v", n, err)
			}
		}
		if err := <-results[2]; err == nil || errors.Is(err, notify.ErrUncertain) {
			t.Errorf("the message that waits: %v", err)
		}
		slow.Store(false)
		closed(t, s)
		s = open(t, "/data", func(o *Options) { *o = o.On(fs) })
		defer closed(t, s)
		got, _, err := s.Log().Read([]notify.Span{{Room: "a"}}, 9, 9, 1<<20)
		if err != nil || shown(got) != "0 1 " {
			t.Errorf("stored are %q, %v", shown(got), err)
		}
	})
}
