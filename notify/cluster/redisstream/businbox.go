package redisstream

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster"
)

const (
	// maxInbox and maxInboxBytes bound the messages of other nodes that wait for their handlers.
	maxInbox      = 1024
	maxInboxBytes = 16 << 20
	// workers is how many handlers run at the same time.
	workers = 8
)

// inbox has the messages that wait for their handlers.
type inbox struct {
	frames chan frame

	mu    sync.Mutex
	bytes int // guarded by mu
}

// put adds a message, unless the inbox is full.
func (i *inbox) put(f frame) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bytes+len(f.body) > maxInboxBytes {
		return false
	}
	select {
	case i.frames <- f:
		i.bytes += len(f.body)
		return true
	default:
		return false
	}
}

func (i *inbox) taken(f frame) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.bytes -= len(f.body)
}

// listen keeps the channels subscribed until the bus ends. It closes first after the first time.
func (b *Bus) listen(first chan struct{}) {
	b.c.keep(b.life, func(ctx context.Context, ready func()) error {
		return b.subscribe(ctx, func() {
			if first != nil {
				close(first)
				first = nil
			}
			ready()
		})
	})
}

// subscribe receives messages until the connection or ctx ends.
func (b *Bus) subscribe(ctx context.Context, ready func()) error {
	start, cancel := context.WithTimeout(ctx, b.c.timeout)
	defer cancel()
	server, err := b.c.server(start)
	if err != nil {
		return err
	}
	own := b.c.channel(busChannel + ":" + b.Self().UID)
	sub := server.Subscribe(start, b.c.channel(busChannel), own)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // ends a read
	defer b.hears.Store(false)
	channels := 0
	return receiveAll(ctx, sub, func(got any) {
		switch message := got.(type) {
		case *redis.Subscription:
			if channels++; channels == 2 {
				b.hears.Store(true)
				ready()
			}
		case *redis.Message:
			b.receive(message.Payload)
		}
	})
}

// receive handles what has arrived. It does not wait.
func (b *Bus) receive(payload string) {
	f, err := parseFrame(payload)
	switch {
	case err != nil:
		b.c.o.Log.Debug("skipped a message of another node", zap.Error(err))
	case f.from == b.Self().UID:
	case f.is == isAnswer || f.is == isUnknown:
		b.answered(f)
	case !b.inbox.put(f):
		b.dropped.Add(1)
		b.toldDropped.Do(func() {
			b.c.o.Log.Warn("dropped messages of other nodes: too many wait",
				zap.Int64("messages", b.dropped.Swap(0)), zap.String("kind", f.kind))
		})
	}
}

// work calls handlers until the bus ends.
func (b *Bus) work() {
	for {
		select {
		case <-b.life.Done():
			return
		case f := <-b.inbox.frames:
			b.handle(f)
			b.inbox.taken(f)
		}
	}
}

func (b *Bus) handle(f frame) {
	b.mu.Lock()
	handler := b.handlers[f.kind]
	b.mu.Unlock()
	reply := frame{is: isUnknown, id: f.id, kind: f.kind}
	if handler != nil {
		if answer := handler(f.from, f.body); len(answer) <= cluster.MaxBody {
			reply.is, reply.body = isAnswer, answer
		} else {
			b.large.Add(1)
			b.toldLarge.Do(func() {
				b.c.o.Log.Warn("answers to other nodes are too large",
					zap.Int64("answers", b.large.Swap(0)), zap.String("kind", f.kind))
			})
		}
	}
	if f.is == isAsk {
		_ = b.publish(b.life, busChannel+":"+f.from, reply) // else the node counts as silent
	}
}
