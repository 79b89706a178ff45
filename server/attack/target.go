//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/server/internal/process"
)

// target is the server under attack, as an attack sees it. Its methods may be called from any
// goroutine.
type target struct {
	addr   string
	secure bool // the server speaks TLS
	short  bool
	files  int // descriptors that this process and the server may open
	did    tally
	// requests is how many requests the attack has sent, for figures per request.
	requests atomic.Int64

	server *process.Process
	client *http.Client
	// restart begins the measurement again, after preparations that are no attack.
	restart func() error

	mu     sync.Mutex
	faults []string
}

// n is a number of clients: the full one, or a tenth of it with -short.
func (t *target) n(full int) int {
	if t.short {
		return max(1, full/10)
	}
	return full
}

// hold is a time: the full one, or a third of it with -short.
func (t *target) hold(full time.Duration) time.Duration {
	if t.short {
		return full / 3
	}
	return full
}

// broken notes a promise that the server broke.
func (t *target) broken(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.faults) < 5 {
		t.faults = append(t.faults, fmt.Sprintf(format, args...))
	}
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// each calls f with 0 to n-1, at most atOnce at the same time, and returns when all calls have
// returned.
func each(n, atOnce int, f func(i int)) {
	var all sync.WaitGroup
	defer all.Wait()
	places := make(chan struct{}, atOnce)
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			f(i)
		})
	}
}
