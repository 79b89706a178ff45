package sse

import "sync"

const (
	// takeAtOnce is how many streams a writer takes from the queue before it reads the clock again.
	takeAtOnce    = 16
	takesPerYield = 8 // about half a millisecond
)

// writers are the goroutines that write to all streams whose sockets can be written to without
// waiting: at most as many as can run at once, and none while there is nothing to write. A
// goroutine for each write would cost more than the write.
type writers struct {
	max int // writers
	now func() instant

	mu          sync.Mutex
	first, last *stream // the queue of streams with something to write, linked by stream.next
	running     int

	yielding sync.Mutex
	yielder  yielder
}

// add queues a stream for a writer.
func (w *writers) add(s *stream) {
	w.mu.Lock()
	if w.last == nil {
		w.first = s
	} else {
		w.last.next = s
	}
	w.last = s
	start := w.running < w.max
	if start {
		w.running++
	}
	w.mu.Unlock()
	if start {
		go w.run()
	}
}

// take returns the streams that have waited longest, linked. If there are none the writer that asks
// must end.
func (w *writers) take() (first *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first = w.first
	if first == nil {
		w.running--
		return nil
	}
	last := first
	for n := 1; n < takeAtOnce && last.next != nil; n++ {
		last = last.next
	}
	if w.first, last.next = last.next, nil; w.first == nil {
		w.last = nil
	}
	return first
}

// run is one writer.
func (w *writers) run() {
	b := newBatch()
	for takes := 1; ; takes++ {
		s := w.take()
		if s == nil {
			break
		}
		for now := w.now(); s != nil; {
			next := s.next
			s.next = nil
			b = s.writeNow(b, now)
			s = next
		}
		if takes%takesPerYield == 0 && w.yielding.TryLock() {
			w.yielder.yield()
			w.yielding.Unlock()
		}
	}
	b.free()
}
