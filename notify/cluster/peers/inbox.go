package peers

import (
	"context"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// maxRequests and maxRequestBytes bound the requests that wait for a worker, and the events that
	// wait for the handlers of earlier ones.
	maxRequests     = 1024
	maxRequestBytes = 16 << 20
	requestWorkers  = 2
	// maxAsks is how many broadcasts of other servers wait for acknowledgements.
	maxAsks = 256
)

// request is what another server wants.
type request struct {
	e      *nodewire.Entry
	by     medium
	answer func(nodewire.Value) // of an event; nil: none is wanted
	until  time.Time            // byPubSub: the other server no longer waits then
}

// medium is how a request has come, and how its answers go.
type medium uint8

const (
	byChannel medium = iota
	byStream
	byPubSub // from a server with the pub/sub adapter
)

// size is what the request takes in memory.
func (r request) size() int {
	n := itemSize + len(r.e.Packet.JSON)
	for _, a := range r.e.Packet.Attachments {
		n += len(a)
	}
	for _, names := range [][]string{r.e.Opts.Rooms, r.e.Opts.Except} {
		for _, name := range names {
			n += len(name) + 16
		}
	}
	return n
}

// askTime is how long clients have for the acknowledgements that the request asks for.
func (r request) askTime() time.Duration {
	if wait := r.e.Opts.Timeout; wait > 0 && wait <= maxAskTime {
		return wait
	}
	return maxAskTime
}

// inbox has requests, or messages, that wait for a worker.
type inbox[T interface{ size() int }] struct {
	waiting chan T
	limit   int

	mu    sync.Mutex
	bytes int           // guarded by mu: of what waits and what is handled
	empty chan struct{} // guarded by mu: closed when bytes is 0; nil: nobody waits for that
}

func (i *inbox[T]) start(n, bytes int) { i.waiting, i.limit = make(chan T, n), bytes }

// put adds a request, unless the inbox is full.
func (i *inbox[T]) put(r T) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bytes+r.size() > i.limit {
		return false
	}
	select {
	case i.waiting <- r:
		i.bytes += r.size()
		return true
	default:
		return false
	}
}

// work handles requests until ctx ends.
func (i *inbox[T]) work(ctx context.Context, handle func(T)) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-i.waiting:
			handle(r)
			i.done(r.size())
		}
	}
}

func (i *inbox[T]) done(size int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bytes -= size; i.bytes == 0 && i.empty != nil {
		close(i.empty)
		i.empty = nil
	}
}

// handled returns a channel that is closed when nothing waits or is handled.
func (i *inbox[T]) handled() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	empty := i.empty
	if empty == nil {
		empty = make(chan struct{})
		if i.bytes == 0 {
			close(empty)
		} else {
			i.empty = empty
		}
	}
	return empty
}

// slots is a number of things that may run.
type slots struct {
	mu   sync.Mutex
	free int // guarded by mu
}

func (s *slots) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 {
		return false
	}
	s.free--
	return true
}

func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
}
