package peers

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// maxItems and maxItemBytes bound what waits to be written.
	maxItems     = 65536
	maxItemBytes = 32 << 20
	itemSize     = 128 // what an item takes besides its payload
	// maxBatch is how many items are written with one request.
	maxBatch = 256
	// writeTimeout is how long a request may take.
	writeTimeout = 2 * time.Second
)

// item is an answer or a heartbeat: an entry for the stream, or a message for a channel.
type item struct {
	entry   *nodewire.Entry // nil: message
	message Message
	size    int
}

// outbox has what waits to be written, so that what answers does not wait for Redis.
type outbox struct {
	filled          chan struct{} // has an element when items may wait
	limit, maxBytes int

	mu     sync.Mutex
	items  []item // guarded by mu, as are the fields below
	bytes  int
	closed bool
}

func (o *outbox) start(n, bytes int) {
	o.filled, o.limit, o.maxBytes = make(chan struct{}, 1), n, bytes
}

// put adds an item. It reports false if the outbox is full or closed.
func (o *outbox) put(i item) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(o.items) >= o.limit || o.bytes+i.size > o.maxBytes {
		return false
	}
	o.items = append(o.items, i)
	o.bytes += i.size
	o.wake()
	return true
}

func (o *outbox) wake() {
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// take removes the next items of one medium.
func (o *outbox) take() (batch []item, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for n < len(o.items) && n < maxBatch && (o.items[n].entry == nil) == (o.items[0].entry == nil) {
		o.bytes -= o.items[n].size
		n++
	}
	batch = append(batch, o.items[:n]...)
	clear(o.items[:n])
	if o.items = o.items[n:]; len(o.items) == 0 {
		o.items = nil
	}
	return batch, o.closed
}

// clear removes all items and returns how many there were.
func (o *outbox) clear() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.items)
	o.items, o.bytes = nil, 0
	return n
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.wake()
}

// write writes what is in the outbox until it is closed and empty, or Timeout after it was closed.
func (p *Peers) write() {
	var last <-chan time.Time
	for {
		batch, closed := p.outbox.take()
		if len(batch) > 0 {
			p.writeBatch(batch)
		} else if closed {
			return
		}
		if closed && last == nil {
			last = time.After(p.o.Timeout)
		}
		select {
		case <-last:
			return
		default:
		}
		if len(batch) == 0 {
			<-p.outbox.filled
		}
	}
}

// writeBatch writes items of one medium. What fails is lost: the servers that wait for it do so
// until their timeout.
func (p *Peers) writeBatch(batch []item) {
	var err error
	if batch[0].entry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		defer cancel()
		entries := make([]*nodewire.Entry, len(batch))
		for i := range batch {
			entries[i] = batch[i].entry
		}
		err = p.stream.Append(ctx, entries...)
	} else {
		err = p.publish(batch)
	}
	if err != nil {
		p.toldLost.tell(len(batch), func(n int64) {
			p.log.Warn("answers to other servers are lost", zap.Int64("answers", n), zap.Error(err))
		})
	}
}

// publish publishes items that are messages.
func (p *Peers) publish(batch []item) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	messages := make([]Message, len(batch))
	for i := range batch {
		messages[i] = batch[i].message
	}
	return p.channels.Publish(ctx, messages...)
}
