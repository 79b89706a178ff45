package peers

import (
	"context"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// clusterUID is the uid of the cluster for servers with the pub/sub adapter.
func (p *Peers) clusterUID() string { return nodewire.ClusterUID(p.o.Prefix) }

// listen subscribes to the answers of servers with the pub/sub adapter, until the function that it returns
// is called. By default these servers answer where all of them hear it, so nobody listens without a call.
func (p *Peers) listen(namespace string) (end func()) {
	channels := p.responseChannels(namespace)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.responses[namespace]++; p.responses[namespace] == 1 {
		p.channels.Subscribe(channels...)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.responses[namespace]--; p.responses[namespace] == 0 {
			delete(p.responses, namespace)
			p.channels.Unsubscribe(channels...)
		}
	}
}

// responseChannels returns where servers with the pub/sub adapter answer: where all hear it, or with
// their option publishOnSpecificResponseChannel, where only the nodes of this cluster do.
func (p *Peers) responseChannels(namespace string) []string {
	all := nodewire.Channel{Prefix: p.o.Servers, Medium: nodewire.Responses, Namespace: namespace}
	own := all
	own.To = p.clusterUID()
	return []string{all.String(), own.String()}
}

// waitResponses waits until this server hears answers.
func (p *Peers) waitResponses(ctx context.Context, namespace string) error {
	channels := p.responseChannels(namespace)
	return p.channels.Wait(ctx, channels[0], channels[1:]...)
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
