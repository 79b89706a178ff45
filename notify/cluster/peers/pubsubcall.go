package peers

import (
	"context"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// clusterUID is the uid of the cluster for servers with the pub/sub adapter.
func (p *Peers) clusterUID() string { return nodewire.ClusterUID(p.o.Prefix) }

// listen subscribes to the answers of servers with the pub/sub adapter, until the function that it returns
// is called. These servers answer where all of them hear it, so nobody listens without a call.
func (p *Peers) listen(namespace string) (end func()) {
	channel := p.pubsubChannel(nodewire.Responses, namespace)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.responses[namespace]++; p.responses[namespace] == 1 {
		p.channels.Subscribe(channel)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.responses[namespace]--; p.responses[namespace] == 0 {
			delete(p.responses, namespace)
			p.channels.Unsubscribe(channel)
		}
	}
}

// pubsubServers returns how many servers have the pub/sub adapter in a namespace.
func (p *Peers) pubsubServers(ctx context.Context, namespace string) (int, error) {
	if err := p.waitResponses(ctx, namespace); err != nil {
		return 0, err
	}
	all, err := p.channels.Subscribers(ctx, p.pubsubChannel(nodewire.Requests, namespace))
	if err != nil {
		return 0, err
	}
	ours, err := p.channels.Subscribers(ctx, p.markChannel(namespace))
	return max(0, all-ours), err
}

// waitResponses waits until this server hears answers, if a call listens to them.
func (p *Peers) waitResponses(ctx context.Context, namespace string) error {
	return p.channels.Wait(ctx, p.pubsubChannel(nodewire.Responses, namespace))
}

// sendPubSub sends a request to the servers with the pub/sub adapter.
func (p *Peers) sendPubSub(ctx context.Context, e *nodewire.Entry) error {
	of := *e
	of.UID = p.clusterUID()
	payload, err := of.AppendRequest(nil)
	if err != nil {
		return err
	}
	return p.channels.Publish(ctx, Message{p.pubsubChannel(nodewire.Requests, e.Namespace), payload})
}
