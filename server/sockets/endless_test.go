package sockets

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What is endless ends evenly in a drain, or at once when it begins later; other requests end by
// themselves.
func TestEndless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := NewEndless()
		start, ended := time.Now(), make(chan time.Duration, 4)
		for range 4 {
			ctx, r, done := e.Begin(t.Context())
			defer done()
			r.Note()
			context.AfterFunc(ctx, func() { ended <- time.Since(start) })
		}
		other, _, done := e.Begin(t.Context())
		defer done()
		gone, r, leave := e.Begin(t.Context())
		r.Note()
		leave()
		if gone.Err() == nil {
			t.Error("done does not end the context")
		}
		e.Drain(t.Context(), func(n int) time.Duration { return time.Duration(n) * time.Second })
		synctest.Wait()
		for i := range 4 {
			if at := <-ended; at != time.Duration(i)*time.Second {
				t.Errorf("number %d ended after %v", i, at)
			}
		}
		late, r, done := e.Begin(t.Context())
		defer done()
		r.Note()
		if late.Err() == nil || other.Err() != nil {
			t.Errorf("late %v, not endless %v", late.Err(), other.Err())
		}
		e.Close()
		synctest.Wait()
		if other.Err() != nil {
			t.Error("Close ends what is not endless")
		}
	})
}

// Close ends what is endless, also what begins later.
func TestEndlessCloses(t *testing.T) {
	t.Parallel()
	e := NewEndless()
	ctx, r, done := e.Begin(t.Context())
	defer done()
	r.Note()
	e.Close()
	<-ctx.Done()
	late, r, done := e.Begin(t.Context())
	defer done()
	r.Note()
	<-late.Done()
}
