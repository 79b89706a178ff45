package socketio

import (
	"context"
	"sync"
)

// workers counts goroutines, which may be started at any time, also while
// somebody waits for them or has given up waiting: a sync.WaitGroup allows neither
// once it may be down to zero. The zero value is ready.
type workers struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n comes down to 0; nil: nobody waits
}

// Go runs f on a goroutine of its own.
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

// Wait returns when there is no work, or ctx's error.
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
