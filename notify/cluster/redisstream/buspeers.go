package redisstream

import (
	"context"
	"fmt"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster"
)

// Peers returns the bus as a Hub needs it, with the UIDs of the nodes as their names.
func (b *Bus) Peers() notify.Peers { return busPeers{b} }

type busPeers struct{ b *Bus }

// Tell implements notify.Peers.
func (p busPeers) Tell(ctx context.Context, kind string, message []byte) error {
	return p.b.Tell(ctx, kind, message)
}

// Ask implements notify.Peers. Redis ends the subscription of a process that was killed, so nobody
// waits for it.
func (p busPeers) Ask(ctx context.Context, node, kind string, body []byte) ([]byte, error) {
	b := p.b
	if err := check(kind, body); err != nil {
		return nil, err
	}
	if !b.hears.Load() {
		return nil, fmt.Errorf("%w: answers of other nodes do not arrive", ErrUnavailable)
	}
	ctx, cancel := context.WithTimeout(ctx, b.askTimeout)
	defer cancel()
	id, q, err := b.open([]cluster.Node{{UID: node}})
	if err != nil {
		return nil, err
	}
	defer b.forget(id)
	channel := busChannel + ":" + node
	receivers, err := b.send(ctx, channel, frame{is: isAsk, id: id, kind: kind, body: body})
	switch {
	case err != nil:
		return nil, err
	case receivers == 0 && b.isUnheard(ctx, channel):
		return nil, notify.ErrNoPeer
	}
	select {
	case <-q.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.life.Done():
		return nil, ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return q.answers[node], nil
}

// isUnheard reports whether no node is subscribed to a channel to which a server had nobody to send. A
// server of a Redis Cluster knows only the subscribers of its own, and passes the message on to all.
func (b *Bus) isUnheard(ctx context.Context, channel string) bool {
	if b.c.cluster == nil {
		return true
	}
	n, err := b.c.subscribers(ctx, b.c.channel(channel))
	return err == nil && n[0] == 0
}

// Handle implements notify.Peers.
func (p busPeers) Handle(kind string, answer func(question []byte) []byte) {
	p.b.Handle(kind, func(_ string, body []byte) []byte { return answer(body) })
}
