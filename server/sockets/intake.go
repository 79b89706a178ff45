package sockets

import (
	"container/list"
	"errors"
	"io"
	"sync"
)

// ErrCrowded is the error of an input that an Intake has interrupted.
var ErrCrowded = errors.New("sockets: too much input is incomplete")

// Intake bounds the memory of incomplete input, messages and bodies of which a part has not arrived,
// of all clients together. A limit for each client is not enough: thousands of clients can each
// begin a message of 1 MB and never end it. Above the bound the largest input is interrupted, because
// that frees most and leaves small ones alone, and of several the one that began first, because one
// that needs long is more likely to be held on purpose. Its methods may be called from any goroutine.
type Intake struct {
	limit int

	mu   sync.Mutex
	used int       // bytes of held
	held list.List // of *Input, in the order of Begin
}

// NewIntake returns an Intake for at most limit bytes.
func NewIntake(limit int) *Intake { return &Intake{limit: limit} }

// Grown returns the bytes that all inputs together take.
func (t *Intake) Grown() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// Input is the memory of one incomplete message or body. The goroutine that reads it calls its
// methods.
type Input struct {
	intake      *Intake
	place       *list.Element // nil after End, and when interrupted
	size        int
	interrupted bool
	interrupt   func()
}

// Begin returns an Input without memory. When others need the memory, interrupt is called, before
// End returns: it must make the read fail, and must not block. End must be called.
func (t *Intake) Begin(interrupt func()) *Input {
	in := &Input{intake: t, interrupt: interrupt}
	t.mu.Lock()
	defer t.mu.Unlock()
	in.place = t.held.PushBack(in)
	return in
}

// Grow takes memory up to size bytes in all. It returns ErrCrowded if the Input was interrupted,
// which may be because of this call.
func (in *Input) Grow(size int) error {
	t := in.intake
	t.mu.Lock()
	defer t.mu.Unlock()
	if !in.interrupted {
		t.used += size - in.size
		in.size = size
	}
	for t.used > t.limit {
		largest := t.largest()
		t.remove(largest)
		largest.interrupted = true
		largest.interrupt()
	}
	return in.err()
}

// Larger is Grow for the buffer of the input: it returns one of that size that begins with p.
func (in *Input) Larger(p []byte, size int) ([]byte, error) {
	if err := in.Grow(size); err != nil {
		return nil, err
	}
	return extended(p, size), nil
}

// extended returns a buffer of that size that begins with p.
func extended(p []byte, size int) []byte {
	larger := make([]byte, size)
	copy(larger, p)
	return larger
}

// largest returns the input with the most memory, the oldest of several. The caller holds the lock,
// and memory is in use.
func (t *Intake) largest() (found *Input) {
	for e := t.held.Front(); e != nil; e = e.Next() {
		if in := e.Value.(*Input); found == nil || in.size > found.size {
			found = in
		}
	}
	return found
}

// End gives the memory back. It returns ErrCrowded if the Input was interrupted, even if the rest
// of it has arrived.
func (in *Input) End() error {
	in.intake.mu.Lock()
	defer in.intake.mu.Unlock()
	in.intake.remove(in)
	return in.err()
}

func (in *Input) err() error {
	if in.interrupted {
		return ErrCrowded
	}
	return nil
}

// The caller of remove holds the lock.
func (t *Intake) remove(in *Input) {
	if in.place != nil {
		t.held.Remove(in.place)
		in.place = nil
		t.used -= in.size
	}
}

// ReadAll reads a body to its end. Up to free bytes of it do not count. interrupt is that of Begin;
// after it the error is ErrCrowded.
func (t *Intake) ReadAll(r io.Reader, free int, interrupt func()) ([]byte, error) {
	var in *Input
	p := make([]byte, 512)
	for n := 0; ; {
		if n == len(p) {
			size := 2 * len(p)
			if size > free && in == nil {
				in = t.Begin(interrupt)
				defer in.End()
			}
			if in == nil {
				p = extended(p, size)
			} else if larger, err := in.Larger(p, size); err != nil {
				return nil, err
			} else {
				p = larger
			}
		}
		m, err := r.Read(p[n:])
		n += m
		if err == nil {
			continue
		}
		if in != nil {
			if crowded := in.End(); crowded != nil {
				return nil, crowded
			}
		}
		if err == io.EOF {
			return p[:n], nil
		}
		return p[:n], err
	}
}
