package main

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	// maxLogLines and maxLogBytes bound the lines that wait for a reader of the log.
	maxLogLines = 4096
	maxLogBytes = 1 << 20
	// logPatience is how long a caller waits until its line is written, and a stop until all are.
	logPatience = time.Second
)

// logOutput writes the lines of the log in a goroutine of its own. The program that reads them can
// stop, as a terminal does at Ctrl-S and a container engine that cannot keep up: a write then takes
// until it goes on, and every request has a line. While all is well, a caller waits until its line is
// written; when that takes too long, nobody waits any more, and what does not fit into the queue is
// dropped and counted. Any goroutine may call its methods.
type logOutput struct {
	out     wholeLines
	dropped func(lines int) // is told how many were dropped, when the output can be written again

	wake  chan struct{} // holds one value when there is something to do
	ended chan struct{} // is closed at the end of the goroutine

	mu      sync.Mutex
	lines   [][]byte
	bytes   int
	written chan struct{} // is closed when lines are written
	lost    int           // lines that were dropped or could not be written
	stalled bool          // a write takes longer than logPatience
	closed  bool
}

// newLogOutput starts the goroutine. The caller sets dropped before the first line, and closes it.
func newLogOutput(out io.Writer) *logOutput {
	o := &logOutput{out: wholeLines{out: out}, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		written: make(chan struct{})}
	go o.run()
	return o
}

// Write takes one line. It never fails: nobody could be told.
func (o *logOutput) Write(line []byte) (int, error) {
	o.mu.Lock()
	if o.closed || len(o.lines) == maxLogLines || o.bytes+len(line) > maxLogBytes {
		o.lost++
		o.mu.Unlock()
		return len(line), nil
	}
	o.lines, o.bytes = append(o.lines, bytes.Clone(line)), o.bytes+len(line)
	written, wait := o.written, !o.stalled
	o.mu.Unlock()
	o.poke()
	if wait && !isClosedWithin(written, logPatience) {
		o.mu.Lock()
		o.stalled = true
		o.mu.Unlock()
	}
	return len(line), nil
}

// Sync does nothing: Write waits, and close writes what is left.
func (*logOutput) Sync() error { return nil }

// close writes what is left, for a limited time. Later lines are dropped.
func (o *logOutput) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.poke()
	isClosedWithin(o.ended, logPatience)
}

func (o *logOutput) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes until the output is closed and the queue is empty.
func (o *logOutput) run() {
	defer close(o.ended)
	for range o.wake {
		for lines, written := o.take(); len(lines) > 0; lines, written = o.take() {
			failed := 0
			for _, line := range lines { // one by one, because what else writes to a pipe could be between
				if _, err := o.out.Write(line); err != nil {
					failed++
				}
			}
			o.after(failed) // before the callers go on, one of which may be the stop
			close(written)
		}
		if o.isClosed() {
			return
		}
	}
}

// take returns the lines that wait, and the channel to close when they are written.
func (o *logOutput) take() (lines [][]byte, written chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.lines) == 0 {
		return nil, nil
	}
	lines, written = o.lines, o.written
	o.lines, o.bytes, o.written = nil, 0, make(chan struct{})
	return lines, written
}

// after notes what writes have shown. When they work again and the line for it fits into the queue, it
// tells how many lines are missing.
func (o *logOutput) after(failed int) {
	o.mu.Lock()
	o.lost += failed
	lost := o.lost
	tell := failed == 0 && lost > 0 && len(o.lines) < maxLogLines/2 && o.bytes < maxLogBytes/2
	if tell {
		o.lost = 0
	}
	o.stalled = tell // so that the line of dropped waits for nothing
	o.mu.Unlock()
	if tell {
		o.dropped(lost)
		o.mu.Lock()
		o.stalled = false
		o.mu.Unlock()
	}
}

func (o *logOutput) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// isClosedWithin reports whether a channel is closed within a time.
func isClosedWithin(closed <-chan struct{}, limit time.Duration) bool {
	select {
	case <-closed: // without a timer in most cases
		return true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-closed:
		return true
	case <-timer.C:
		return false
	}
}

// wholeLines writes lines to a file. A disk that is full can cut one; the next one that can be written
// begins on a line of its own, so that programs can read it.
type wholeLines struct {
	out io.Writer
	cut bool // the last line has no end
}

func (w *wholeLines) Write(line []byte) (int, error) {
	if w.cut {
		if _, err := w.out.Write([]byte("\n")); err != nil {
			return 0, err
		}
	}
	n, err := w.out.Write(line)
	w.cut = n > 0 && n < len(line)
	return n, err
}
