package notify

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Stream is a log that several nodes share, with ids like those of a Redis stream.
type Stream struct {
	mu      sync.Mutex
	entries []streamEntry
	last    ID // of the newest entry
	gaps    uint64
	nodes   []*StreamLog
	Down    bool // nodes cannot read it
}

type streamEntry struct {
	m  *Message
	of *StreamLog
}

// streamBegin is the time of the first entry.
const streamBegin = 1764201600000

// NewStream returns an empty stream.
func NewStream() *Stream { return &Stream{last: ID{Epoch: StreamEpoch}} }

// StreamLog is the Log of one node.
type StreamLog struct {
	s       *Stream
	head    ID
	deliver func(Batch) (after func())
	ready   chan struct{}
	moved   chan struct{} // closed when head moves
	paused  bool          // the node does not read
	closed  bool
}

// Open returns the log of another node.
func (s *Stream) Open() *StreamLog {
	return &StreamLog{s: s, ready: make(chan struct{}), moved: make(chan struct{})}
}

// next returns the id of the next entry. Ids have holes: other milliseconds, and entries that are no
// messages.
func (s *Stream) next() ID {
	s.gaps++
	ms, n := max(streamBegin, s.last.Seq>>StreamBits), s.last.Seq&(1<<StreamBits-1)
	switch s.gaps % 4 {
	case 0:
		ms, n = ms+s.gaps%7+1, 0
	case 1:
		n += 3
	default:
		n++
	}
	s.last, _ = StreamID(ms, n)
	return s.last
}

// Append implements Log.
func (l *StreamLog) Append(ctx context.Context, messages []*Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.s.mu.Lock()
	if l.closed {
		l.s.mu.Unlock()
		return ErrClosed
	}
	for _, m := range messages {
		m.ID = l.s.next()
		l.s.entries = append(l.s.entries, streamEntry{m, l})
	}
	l.s.unlock()
	return nil
}

// unlock lets the nodes read.
func (s *Stream) unlock() {
	var after []func()
	for _, l := range s.nodes {
		if !l.paused {
			after = append(after, l.read(Batch{}))
		}
	}
	s.mu.Unlock()
	for _, f := range after {
		if f != nil {
			f()
		}
	}
}

// read delivers what follows the head of the node, after what b has.
func (l *StreamLog) read(b Batch) (after func()) {
	if b.Loss != nil {
		l.head = b.Loss.Head
	}
	for _, e := range l.s.entries {
		if e.m.ID.Seq <= l.head.Seq {
			continue
		}
		m := e.m
		if e.of != l || b.Retained {
			m = foreign(e.m)
		}
		if b.Retained {
			m.Stored = time.Now() // it was stored a moment ago
		}
		b.Messages = append(b.Messages, m)
	}
	if n := len(b.Messages); n > 0 {
		l.head = b.Messages[n-1].ID
	}
	if b.Loss == nil && b.Fork == nil && len(b.Messages) == 0 {
		return nil
	}
	close(l.moved)
	l.moved = make(chan struct{})
	return l.deliver(b)
}

// foreign returns a message as another node reads it.
func foreign(m *Message) *Message {
	return &Message{ID: m.ID, Volatile: m.Volatile, Retain: m.Retain, Namespace: m.Namespace,
		Rooms: m.Rooms, Except: m.Except,
		Type: m.Type, Timestamp: m.Timestamp, TTL: m.TTL, Data: m.Data, Metadata: m.Metadata}
}

// Follow implements Log.
func (l *StreamLog) Follow(deliver func(Batch) (after func())) {
	l.s.mu.Lock()
	l.deliver = deliver
	down := l.s.Down
	l.s.mu.Unlock()
	if !down {
		l.Connect()
	}
}

// Connect reads the stream for the first time.
func (l *StreamLog) Connect() {
	l.s.mu.Lock()
	first := ID{Epoch: StreamEpoch}
	if len(l.s.entries) > 0 {
		first.Seq = l.s.entries[0].m.ID.Seq - 1
	}
	after := l.read(Batch{Loss: &Loss{Head: first}, Retained: true})
	l.s.nodes = append(l.s.nodes, l)
	l.s.mu.Unlock()
	if after != nil {
		after()
	}
	close(l.ready)
}

// Ready implements Log.
func (l *StreamLog) Ready() <-chan struct{} { return l.ready }

// Wait implements Log.
func (l *StreamLog) Wait(ctx context.Context, id ID) error {
	for {
		l.s.mu.Lock()
		head, last, moved := l.head, l.s.last, l.moved
		l.s.mu.Unlock()
		switch {
		case id.Epoch != StreamEpoch || id.Seq > last.Seq:
			return ErrAhead
		case id.Seq <= head.Seq:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Head implements Log.
func (l *StreamLog) Head() ID {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.head == (ID{}) && !l.s.Down {
		return l.s.last
	}
	return l.head
}

// Close implements Log.
func (l *StreamLog) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.closed = true
	l.s.nodes = slices.DeleteFunc(l.s.nodes, func(other *StreamLog) bool { return other == l })
	return nil
}

// Pause stops the node from reading.
func (l *StreamLog) Pause() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.paused = true
}

// Resume lets it read on.
func (l *StreamLog) Resume() {
	l.s.mu.Lock()
	l.paused = false
	l.s.unlock()
}

// GoBack loses all entries after one: a server that had not got them has taken over.
func (s *Stream) GoBack(to ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.last
	s.entries = slices.DeleteFunc(s.entries, func(e streamEntry) bool { return e.m.ID.Seq > to.Seq })
	s.last = to
	for _, l := range s.nodes {
		b := Batch{Fork: &Fork{to, from}}
		if l.head.Seq > to.Seq {
			b.Loss = &Loss{Head: to}
		}
		if after := l.read(b); after != nil {
			after()
		}
	}
}

// Trim removes the oldest entries, as MAXLEN does. Nodes that have not read them lose them.
func (s *Stream) Trim(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = s.entries[n:]
	first := s.last.Seq + 1
	if len(s.entries) > 0 {
		first = s.entries[0].m.ID.Seq
	}
	for _, l := range s.nodes {
		if l.paused && l.head.Seq < first-1 {
			l.paused = false
			if after := l.read(Batch{Loss: &Loss{Head: ID{StreamEpoch, first - 1}}}); after != nil {
				after()
			}
		}
	}
}

// entry returns the id of the nth entry, from 1.
func (s *Stream) entry(n int) ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[n-1].m.ID
}
