//go:build unix

package sockets

import (
	"sync"
	"testing"
)

// A yield ends, also when several goroutines use one yielder in turn.
func TestYield(t *testing.T) {
	var y yielder
	var mu sync.Mutex
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for range 500 {
				mu.Lock()
				y.yield()
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if y.in == nil {
		t.Fatal("there was no pipe to wait for")
	}
	_, _ = y.in.Close(), y.out.Close()
}
