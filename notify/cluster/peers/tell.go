package peers

import (
	"context"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// ServerCount returns how many servers have a namespace, this one included.
func (p *Peers) ServerCount(ctx context.Context, namespace string) (int, error) {
	p.Enter(namespace)
	defer p.Leave(namespace)
	others, pubsub, err := p.subscribers(ctx, namespace)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return 1 + others + pubsub + len(p.alive(namespace)), nil
}

// Tell sends an entry that nobody answers: TypeServerEmit, TypeJoin, TypeLeave or TypeDisconnect,
// without a UID. It returns when the entry is on its way. The last three are stored in the stream, so
// they keep their place among the messages. They have a RequestID if Roomcast nodes are asked for the
// change in another way, too: these call Made with it.
func (p *Peers) Tell(ctx context.Context, e *nodewire.Entry) error {
	e.UID = p.o.UID
	inStream := e.Type != nodewire.TypeServerEmit
	if !inStream {
		e.RequestID = ""
		inStream = p.hasOlds(e.Namespace)
		if p.o.Servers != "" {
			if err := p.sendPubSub(ctx, e); err != nil {
				return err
			}
		}
	}
	return p.send(ctx, e, inStream)
}
