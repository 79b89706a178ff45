package sockets

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// Writers write once to each connection that was added, and end.
func TestWriters(t *testing.T) {
	t.Parallel()
	const n = 10_000
	var mu sync.Mutex
	seen, most, running := make([]int, n), 0, 0
	all := make(chan struct{})
	left := n
	var w *Writers[int]
	w = NewWriters[int](func() {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		var turn Turn[int]
		for batch := w.Next(&turn); len(batch) > 0; batch = w.Next(&turn) {
			mu.Lock()
			for _, i := range batch {
				seen[i]++
				if left--; left == 0 {
					close(all)
				}
			}
			mu.Unlock()
		}
		mu.Lock()
		running--
		mu.Unlock()
	})
	for i := range n {
		w.Add(i)
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Fatal("not everything was written")
	}
	mu.Lock()
	defer mu.Unlock()
	for i, times := range seen {
		if times != 1 {
			t.Fatalf("%d was written %d times", i, times)
		}
	}
	if limit := runtime.GOMAXPROCS(0); most > limit {
		t.Errorf("%d goroutines at once, want at most %d", most, limit)
	}
}

// One writer gets connections in the order of Add, also when it adds them again while others wait.
// The queue does not grow meanwhile.
func TestWritersKeepTheOrder(t *testing.T) {
	t.Parallel()
	const n, rounds = 100, 1000
	done := make(chan struct{})
	var w *Writers[int]
	next, largest := 0, 0
	w = NewWriters[int](func() {
		var turn Turn[int]
		for batch := w.Next(&turn); len(batch) > 0; batch = w.Next(&turn) {
			for _, i := range batch {
				if i != next%n {
					t.Errorf("got %d, want %d", i, next%n)
				}
				if next++; next <= n*(rounds-1) {
					w.Add(i)
				}
				w.mu.Lock()
				largest = max(largest, cap(w.queue))
				w.mu.Unlock()
			}
		}
		close(done)
	})
	w.max = 1
	w.mu.Lock()
	for i := range n {
		w.queue = append(w.queue, i)
	}
	w.running = 1
	w.mu.Unlock()
	go w.write()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("the writer has not ended")
	}
	if next != n*rounds || largest > 8*n {
		t.Errorf("%d connections from a queue of %d", next, largest)
	}
}
