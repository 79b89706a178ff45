package redisstream

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// published is a message of an emitter, or of a server with the pub/sub adapter.
type published struct {
	channel nodewire.Channel
	payload []byte
	term    string // the lock with which it was received
}

// listen receives messages until ctx ends.
func (g *Ingest) listen(ctx context.Context, term string) {
	g.c.keep(ctx, func(ctx context.Context, ready func()) error {
		return g.receive(ctx, term, ready)
	})
}

// receive receives messages on one connection until it breaks. The subscription is to a pattern, so
// servers on Node do not count this node. An ACL allows a pattern only if it has the same one: this is
// the one that it needs for the other channels, too.
func (g *Ingest) receive(ctx context.Context, term string, ready func()) error {
	start, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	server, err := g.c.server(start)
	if err != nil {
		return err
	}
	sub := server.PSubscribe(ctx)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // ends a read
	if err := sub.PSubscribe(start, g.c.o.Stream+"*"); err != nil {
		return err
	}
	defer g.setTerm("")
	return receiveAll(ctx, sub, func(got any) {
		switch message := got.(type) {
		case *redis.Subscription:
			ready()
			g.setTerm(term)
		case *redis.Message:
			g.take(message.Channel, message.Payload, term)
		}
	})
}

func (g *Ingest) setTerm(term string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.term = term
}

// take queues what is for the stream. The channels also have what the streams adapter publishes, which
// all nodes receive by themselves, and answers of servers, which are for one server.
func (g *Ingest) take(name, payload, term string) {
	channel, ok := nodewire.ParseChannel(g.c.o.Stream, name)
	if !ok || channel.Medium == nodewire.Responses ||
		channel.Medium == nodewire.Broadcasts && isMap(payload) {
		return
	}
	err := g.queue.Push(&published{channel, []byte(payload), term}, 1, len(name)+len(payload)+128)
	if err != nil {
		g.drop(1, err)
	}
}

// isMap reports whether a message begins like an object, in MessagePack or JSON.
func isMap(payload string) bool {
	return payload != "" && (payload[0]&0xf0 == 0x80 || payload[0] == 0xde || payload[0] == 0xdf ||
		payload[0] == '{')
}
