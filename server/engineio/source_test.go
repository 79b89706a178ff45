package engineio

import (
	"fmt"
	"sync"
	"testing"
)

// queue is a Source with a list of frames.
type queue struct {
	s      *Session
	mu     sync.Mutex
	frames []*Frame
	pulls  int
}

func newQueue(s *Session) *queue { return &queue{s: s} }

func (q *queue) put(f *Frame) {
	q.mu.Lock()
	q.frames = append(q.frames, f)
	q.mu.Unlock()
}

func (q *queue) send(f *Frame) {
	q.put(f)
	q.s.Wake()
}

func (q *queue) Pull(b *Batch) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pulls++
	for len(q.frames) > 0 && !b.Full() {
		b.Frame(q.frames[0])
		q.frames[0] = nil
		q.frames = q.frames[1:]
	}
	return len(q.frames) > 0
}

func TestSourceFollowsTheSessionsOwnPackets(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	src := newQueue(p.Session)
	src.put(NewFrame([]byte("from the source")))
	p.SetSource(src)
	if err := p.Send([]byte("own"), false); err != nil {
		t.Fatal(err)
	}
	f.expect(f.get(query), 200, "4own\x1e4from the source")
	waiting := f.getSoon(query)
	f.waiting(p)
	src.send(NewFrame([]byte("later")))
	f.expect(<-waiting, 200, "4later")
}

func TestSourceBurstIsComplete(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	src := newQueue(p.Session)
	p.SetSource(src)
	const n = 5000
	go func() {
		for i := range n {
			src.send(NewFrame(fmt.Appendf(nil, "%d", i)))
		}
	}()
	for i := range n {
		ws.expect(fmt.Sprintf("4%d", i))
	}
}

func TestSourceThatReturnsTrueWithoutMessages(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	src := &liar{}
	p.SetSource(src)
	if err := p.Send([]byte("x"), false); err != nil {
		t.Fatal(err)
	}
	ws.expect("4x")
	eventually(t, "the writer has ended", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.writing
	})
}

type liar struct{}

func (*liar) Pull(*Batch) bool { return true }
