package socketio

import (
	"context"
	"sync"
)

// workers counts goroutines. They can start at any time, also while Wait runs and after Wait has
// given up: a sync.WaitGroup forbids both when its counter may be zero. The zero value is ready to
// use.
type workers struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n becomes 0; nil: no Wait runs
}

// Go runs f in a new goroutine.
func (w *workers) Go(f func()) {
	w.mu.Lock()
	w.n++
	w.mu.Unlock()
	go func() {
		defer w.done()
		f()
	}()
}

func (w *workers) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n--; w.n == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// Wait returns when no goroutine is left, or with the error of ctx.
func (w *workers) Wait(ctx context.Context) error {
	w.mu.Lock()
	if w.n == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
