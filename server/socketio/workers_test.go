package socketio

import (
	"context"
	"errors"
	"testing"
	"time"
)

// After a Wait that timed out, any goroutine may still start work.
func TestWorkAfterWaitTimesOut(t *testing.T) {
	t.Parallel()
	var w workers
	held := make(chan struct{})
	w.Go(func() { <-held })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := w.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("waited: %v", err)
	}
	done := make(chan struct{})
	close(held)
	for range 100 {
		w.Go(func() { done <- struct{}{} })
		<-done
	}
	if err := w.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.Wait(ctx); err != nil {
		t.Errorf("nothing is left to wait for: %v", err)
	}
}
