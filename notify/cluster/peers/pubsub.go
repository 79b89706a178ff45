package peers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// representedWorkers is how many requests of servers with the pub/sub adapter are answered at the same
// time. Each waits for the other servers of the cluster.
const representedWorkers = 4

// Represent begins or ends to answer servers with the pub/sub adapter for the whole cluster, which they
// count as one server. One node at a time does it.
func (p *Peers) Represent(does bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Servers == "" || p.represents == does {
		return
	}
	p.represents = does
	if !p.isServing {
		return
	}
	for name := range p.namespaces {
		if does {
			p.channels.Subscribe(p.representedChannels(name)...)
		} else {
			p.channels.Unsubscribe(p.representedChannels(name)...)
		}
	}
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
	r := request{e: e, by: byPubSub}
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
	p.mu.Lock()
	inStream := len(p.alive(e.Namespace)) > 0
	p.mu.Unlock()
	if inStream {
		p.outbox.put(item{entry: e, size: request{e: e}.size()})
	} else if payload, err := e.AppendMap(nil); err == nil {
		p.post(p.channel(e.Namespace, ""), payload)
	}
}

// answerPubSub answers a request for the whole cluster.
func (p *Peers) answerPubSub(r request) {
	if r.e.Type == nodewire.TypeBroadcast {
		p.askAll(r)
		return
	}
	sockets := p.local.Sockets(r.e.Namespace, r.e.Opts)
	ctx, cancel := context.WithTimeout(p.life, time.Duration(answerTime*float64(p.o.Timeout)))
	defer cancel()
	_ = p.call(ctx, &nodewire.Entry{
		Type: nodewire.TypeFetchSockets, Namespace: r.e.Namespace, Opts: r.e.Opts,
	}, calling{got: func(e *nodewire.Entry) {
		if more, err := e.Sockets(); err == nil {
			sockets = append(sockets, more...)
		}
	}}) // what has arrived is better than no answer
	if r.e.Type == nodewire.TypeFetchSockets {
		p.replySockets(r, sockets)
		return
	}
	var rooms []string
	for _, s := range sockets {
		rooms = append(rooms, s.Rooms...)
	}
	slices.Sort(rooms)
	p.post(p.pubsubChannel(nodewire.Responses, r.e.Namespace),
		nodewire.AppendRooms(nil, r.e.RequestID, slices.Compact(rooms)))
}

// askAll asks clients of the whole cluster for a server with the pub/sub adapter, which wants one number of
// clients.
func (p *Peers) askAll(r request) {
	if !p.asks.take() {
		p.full(r.e)
		p.reply(r, &nodewire.Entry{Type: nodewire.TypeClientCount})
		return
	}
	wait := r.e.Opts.Timeout
	if wait <= 0 || wait > maxAskTime {
		wait = maxAskTime
	}
	ctx, cancel := context.WithTimeout(p.life, wait)
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
			p.asks.release()
		}
	}
	p.local.Ask(ctx, r.e, counted, func(v nodewire.Value) { p.replyAck(r, v) }, done)
	p.running.Go(func() {
		defer done()
		others := 0
		_ = p.call(ctx, &nodewire.Entry{
			Type: r.e.Type, Namespace: r.e.Namespace, Opts: r.e.Opts, Packet: r.e.Packet,
		}, calling{got: func(e *nodewire.Entry) {
			if others += e.Count; e.Type == nodewire.TypeAck {
				p.replyAck(r, e.Packet)
			}
		}, counted: func() { counted(others) }})
	})
}
