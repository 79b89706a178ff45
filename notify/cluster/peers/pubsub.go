package peers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	// representedWorkers is how many requests of servers with the pub/sub adapter are answered at the same
	// time. Each waits for the other servers of the cluster.
	representedWorkers = 16
	// maxRepresentedAsks is how many broadcasts of these servers wait for acknowledgements. They take calls,
	// which this server needs itself.
	maxRepresentedAsks = 64
)

// Represent says that this server answers servers with the pub/sub adapter for the whole cluster, which
// they count as one server, until a time. One node at a time does it, so a node that has stood still does
// not act on what it received meanwhile. With the zero time it ends at once.
func (p *Peers) Represent(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Servers == "" {
		return
	}
	was, is := !p.represents.IsZero(), !until.IsZero()
	p.represents = until
	if was == is || !p.isServing {
		return
	}
	for name := range p.namespaces {
		if is {
			p.channels.Subscribe(p.representedChannels(name)...)
		} else {
			p.channels.Unsubscribe(p.representedChannels(name)...)
		}
	}
}

// isRepresenting reports whether this server represents the cluster.
func (p *Peers) isRepresenting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.represents)
}

// representedChannels returns what this server is subscribed to in a namespace while it represents the
// cluster: the requests, and a channel without messages, by which the nodes of the cluster tell it from
// servers with the pub/sub adapter when they count these.
func (p *Peers) representedChannels(namespace string) []string {
	return []string{p.pubsubChannel(nodewire.Requests, namespace), p.markChannel(namespace)}
}

func (p *Peers) markChannel(namespace string) string {
	return p.o.Prefix + "-represents#" + namespace + "#"
}

func (p *Peers) pubsubChannel(medium nodewire.Medium, namespace string) string {
	return nodewire.Channel{Prefix: p.o.Servers, Medium: medium, Namespace: namespace}.String()
}

// pubsubPublished handles a message of a server with the pub/sub adapter.
func (p *Peers) pubsubPublished(c nodewire.Channel, payload []byte) {
	switch c.Medium {
	case nodewire.Requests:
		e, err := nodewire.DecodeRequest(c.Namespace, payload)
		if err != nil {
			p.skip(c, err)
		} else if e.UID != p.clusterUID() {
			p.pubsubRequest(e)
		}
	case nodewire.Responses:
		e, err := nodewire.DecodeResponse(c.Namespace, payload)
		if err != nil { // most are for other servers
			return
		}
		e.UID = "pubsub " + newRequestID() // it names no server, and each server answers once
		p.response(e)
	}
}

// pubsubRequest handles a request of a server with the pub/sub adapter. What changes clients is in the
// stream, too, and is not for this.
func (p *Peers) pubsubRequest(e *nodewire.Entry) {
	if !p.isRepresenting() {
		return
	}
	r := request{e: e, by: byPubSub, until: time.Now().Add(p.answerTime())}
	switch e.Type {
	case nodewire.TypeServerEmit:
		p.pass(e)
		p.event(r)
	case nodewire.TypeFetchSockets, nodewire.TypeRooms, nodewire.TypeBroadcast:
		if !p.represented.put(r) {
			p.full(e)
		}
	}
}

// pass lets the other servers of the cluster have an event. They do not answer it.
func (p *Peers) pass(of *nodewire.Entry) {
	e := &nodewire.Entry{Type: of.Type, UID: p.o.UID, Namespace: of.Namespace, Packet: of.Packet}
	isSent := false
	if p.hasOlds(e.Namespace) {
		isSent = p.outbox.put(item{entry: e, size: request{e: e}.size()})
	} else if payload, err := e.AppendMap(nil); err == nil {
		isSent = p.post(p.channel(e.Namespace, ""), payload)
	}
	if !isSent {
		p.full(of)
	}
}

// answerPubSub answers a request for the whole cluster. A server that is silent is left out, because the
// other server waits for no more than its own Timeout.
func (p *Peers) answerPubSub(r request) {
	if r.e.Type == nodewire.TypeBroadcast {
		p.askAll(r)
		return
	}
	ctx, cancel := context.WithDeadline(p.life, r.until)
	defer cancel()
	if ctx.Err() != nil { // nobody waits any more
		p.full(r.e)
		return
	}
	sockets := p.local.Sockets(r.e.Namespace, r.e.Opts)
	err := p.call(ctx, &nodewire.Entry{
		Type: nodewire.TypeFetchSockets, Namespace: r.e.Namespace, Opts: r.e.Opts,
	}, calling{got: func(e *nodewire.Entry) {
		if more, err := e.Sockets(); err == nil {
			sockets = append(sockets, more...)
		}
	}})
	if err != nil {
		p.partial(r, err)
		if !errors.Is(err, context.DeadlineExceeded) {
			return // an answer without other nodes would look complete
		}
	}
	if r.e.Type == nodewire.TypeFetchSockets {
		p.replySockets(r, sockets)
		return
	}
	var rooms []string
	for _, s := range sockets {
		rooms = append(rooms, s.Rooms...)
	}
	slices.Sort(rooms)
	answer := nodewire.AppendRooms(nil, r.e.RequestID, slices.Compact(rooms))
	if len(answer) > nodewire.MaxPayload || !p.post(p.pubsubChannel(nodewire.Responses, r.e.Namespace), answer) {
		p.full(r.e)
	}
}

// partial tells that an answer to a server with the pub/sub adapter is missing, or is not of all servers.
func (p *Peers) partial(r request, err error) {
	p.toldPartial.tell(1, func(n int64) {
		p.log.Warn("servers with the pub/sub adapter are not answered for all of the cluster",
			zap.Int64("requests", n), zap.Uint8("type", uint8(r.e.Type)), zap.Error(err))
	})
}

// askAll asks clients of the whole cluster for a server with the pub/sub adapter, which wants one number of
// clients.
func (p *Peers) askAll(r request) {
	if time.Now().After(r.until) || !p.representedAsks.take() {
		p.full(r.e)
		return
	}
	ctx, cancel := context.WithTimeout(p.life, r.askTime())
	var mu sync.Mutex
	clients, missing, running := 0, 2, 2 // of this server and the others
	counted := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		clients += n
		if missing--; missing == 0 {
			p.reply(r, &nodewire.Entry{Type: nodewire.TypeClientCount, Count: clients})
		}
	}
	done := func() {
		mu.Lock()
		defer mu.Unlock()
		if running--; running == 0 {
			cancel()
			p.representedAsks.release()
		}
	}
	p.local.Ask(ctx, r.e, counted, func(v nodewire.Value) { p.replyAck(r, v) }, done)
	p.running.Go(func() {
		defer done()
		others := 0
		err := p.call(ctx, &nodewire.Entry{
			Type: r.e.Type, Namespace: r.e.Namespace, Opts: r.e.Opts, Packet: r.e.Packet,
		}, calling{got: func(e *nodewire.Entry) {
			if others += e.Count; e.Type == nodewire.TypeAck {
				p.replyAck(r, e.Packet)
			}
		}, counted: func() { counted(others) }})
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			p.partial(r, err)
		}
	})
}
