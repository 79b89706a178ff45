package redistest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// Stream reads the entries of the stream socket.io that are no messages, and appends others: it is
// what a log does for peers.Peers.
type Stream struct {
	s       *Server
	last    string
	receive func(*nodewire.Entry)

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup
}

// Stream returns a reader of what is appended from now on. It ends with the test.
func (s *Server) Stream(t testing.TB) *Stream {
	t.Helper()
	r := &Stream{s: s, last: "0-0"}
	if newest, _ := s.Do(t, "XREVRANGE", "socket.io", "+", "-", "COUNT", "1").([]any); len(newest) == 1 {
		r.last, _ = newest[0].([]any)[0].(string)
	}
	r.life, r.end = context.WithCancel(context.Background())
	t.Cleanup(func() {
		r.end()
		r.running.Wait()
	})
	return r
}

// Ready returns a closed channel: what is appended after Stream is read.
func (r *Stream) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// Append adds entries.
func (r *Stream) Append(_ context.Context, entries ...*nodewire.Entry) error {
	for _, e := range entries {
		f, err := e.Fields()
		if err != nil {
			return err
		}
		if _, err := r.s.Try(append([]string{"XADD", "socket.io", "*"}, f.Pairs()...)...); err != nil {
			return err
		}
	}
	return nil
}

// Receive begins to read.
func (r *Stream) Receive(f func(*nodewire.Entry)) {
	r.receive = f
	r.running.Go(func() {
		for r.life.Err() == nil {
			// The server is away, or the test ends.
			if reply, err := r.s.Try("XREAD", "BLOCK", "100", "STREAMS", "socket.io", r.last); err == nil {
				r.read(reply)
			} else if !errors.As(err, new(Error)) {
				return
			}
		}
	})
}

func (r *Stream) read(reply any) {
	streams, _ := reply.([]any)
	if len(streams) != 1 {
		return
	}
	for _, entry := range streams[0].([]any)[1].([]any) {
		id, texts := entry.([]any)[0].(string), entry.([]any)[1].([]any)
		var f nodewire.Fields
		for i := 0; i+1 < len(texts); i += 2 {
			f.Set(texts[i].(string), texts[i+1].(string))
		}
		r.last = id
		e, err := nodewire.Decode(f)
		if err == nil && e.Type != nodewire.TypeSignal &&
			(e.Type != nodewire.TypeBroadcast || e.RequestID != "") {
			r.receive(e)
		}
	}
}
