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
// not stored: it is. One that still waits takes its message back.
func TestUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		fs := slowDisk(&slow)
		s := open(t, "/data", func(o *Options) { *o = o.On(fs) })
		l := s.Log()
		follow(l)
		slow.Store(true)
		results := make(chan error, 2)
		for n := range 2 {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				results <- l.Append(ctx, []*notify.Message{message(n, "a")})
			}()
			synctest.Wait() // the first is being written, the second waits
		}
		certain, uncertain := <-results, <-results
		if errors.Is(certain, notify.ErrUncertain) {
			certain, uncertain = uncertain, certain
		}
		if !errors.Is(uncertain, notify.ErrUncertain) || !errors.Is(uncertain, notify.ErrUnavailable) {
			t.Errorf("the message that is being written: %v", uncertain)
		}
		if certain == nil || errors.Is(certain, notify.ErrUncertain) {
			t.Errorf("the message that waits: %v", certain)
		}
		slow.Store(false)
		closed(t, s)
		s = open(t, "/data", func(o *Options) { *o = o.On(fs) })
		defer closed(t, s)
		got, _, err := s.Log().Read([]notify.Span{{Room: "a"}}, 9, 9, 1<<20)
		if err != nil || shown(got) != "0 " {
			t.Errorf("stored are %q, %v", shown(got), err)
		}
	})
}
