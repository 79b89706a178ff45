package peers

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// read handles an entry of the stream.
func (p *Peers) read(e *nodewire.Entry) {
	if e.UID == p.o.UID {
		return
	}
	switch e.Type {
	case nodewire.TypeJoin, nodewire.TypeLeave, nodewire.TypeDisconnect:
		if local := p.server(); local != nil {
			p.changes.read(local, e)
		}
		return
	}
	if !p.serves() {
		return
	}
	p.mu.Lock()
	p.heard(e) // adapter 0.3 publishes what it does not store
	p.mu.Unlock()
	p.receive(e, byStream)
}

// published handles a message of a channel.
func (p *Peers) published(channel string, payload []byte) {
	if !p.serves() {
		return
	}
	if p.o.Servers != "" {
		if c, ok := nodewire.ParseChannel(p.o.Servers, channel); ok {
			p.pubsubPublished(c, payload)
			return
		}
	}
	c, ok := nodewire.ParseChannel(p.o.Prefix, channel)
	if !ok || c.Medium != nodewire.Broadcasts || nodewire.IsArray(payload) {
		return // of the pub/sub adapter
	}
	e, err := nodewire.DecodeMap(payload)
	if err != nil {
		p.skip(c, err)
		return
	}
	if e.UID != p.o.UID && e.Namespace == c.Namespace {
		p.receive(e, byChannel)
	}
}

// skip tells that a message is damaged.
func (p *Peers) skip(of nodewire.Channel, err error) {
	if errors.Is(err, nodewire.ErrIgnored) {
		return
	}
	p.toldSkipped.tell(1, func(n int64) {
		p.log.Warn("skipped messages of other servers", zap.Int64("messages", n),
			zap.Stringer("channel", of), zap.Error(err))
	})
}

func (p *Peers) serves() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isServing
}

// server returns this server, nil before Serve.
func (p *Peers) server() Local {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

// receive handles a request or an answer. It does not wait.
func (p *Peers) receive(e *nodewire.Entry, by medium) {
	r := request{e: e, by: by}
	switch e.Type {
	case nodewire.TypeSockets, nodewire.TypeServerReply, nodewire.TypeClientCount, nodewire.TypeAck:
		p.response(e)
		return
	case nodewire.TypeBroadcast:
		if e.RequestID == "" {
			if by != byStream { // else the log delivers it
				p.relay.receive(e)
			}
			return
		}
	case nodewire.TypeServerEmit:
		p.event(r)
		return
	case nodewire.TypeFetchSockets:
	default:
		return
	}
	if e.UID == "" { // nobody waits
		return
	}
	if !p.requests.put(r) {
		p.full(e)
	}
}

func (p *Peers) full(e *nodewire.Entry) {
	p.toldFull.tell(1, func(n int64) {
		p.log.Warn("dropped requests of other servers: too many wait", zap.Int64("requests", n),
			zap.Uint8("type", uint8(e.Type)), zap.String("from", e.UID))
	})
}

// answer answers a request.
func (p *Peers) answer(r request) {
	if r.e.Type == nodewire.TypeBroadcast {
		p.ask(r)
		return
	}
	p.replySockets(r, p.local.Sockets(r.e.Namespace, r.e.Opts))
}

// replySockets answers a request for clients.
func (p *Peers) replySockets(r request, sockets []nodewire.Socket) {
	e := &nodewire.Entry{Type: nodewire.TypeSockets}
	err := e.SetSockets(sockets)
	if err == nil && p.reply(r, e) {
		return
	}
	// The server waits for an answer, so it gets a smaller one.
	p.toldLarge.tell(1, func(n int64) {
		p.log.Warn("lists of clients are too large for other servers, which get ids and rooms only",
			zap.Int64("lists", n), zap.Int("clients", len(sockets)), zap.Error(err))
	})
	for i := range sockets {
		sockets[i].Handshake, sockets[i].Data = nil, nil
	}
	for ; len(sockets) > 0; sockets = sockets[:len(sockets)/2] {
		if e.SetSockets(sockets) == nil && p.reply(r, e) {
			return
		}
	}
	_ = e.SetSockets(nil)
	p.reply(r, e)
}

// ask asks clients for another server.
func (p *Peers) ask(r request) {
	if !p.asks.take() {
		p.full(r.e)
		p.reply(r, &nodewire.Entry{Type: nodewire.TypeClientCount})
		return
	}
	ctx, cancel := context.WithTimeout(p.life, r.askTime())
	p.local.Ask(ctx, r.e, func(n int) {
		p.reply(r, &nodewire.Entry{Type: nodewire.TypeClientCount, Count: n})
	}, func(v nodewire.Value) { p.replyAck(r, v) }, func() {
		cancel()
		p.asks.release()
	})
}

// replyAck passes the acknowledgement of a client on.
func (p *Peers) replyAck(r request, v nodewire.Value) {
	e := &nodewire.Entry{Type: nodewire.TypeAck, Packet: v}
	if !p.reply(r, e) {
		e.Packet = null() // too large, or not what Node can read
		p.reply(r, e)
	}
}

// reply sends an answer where the request came from. It reports false if it could not.
func (p *Peers) reply(r request, e *nodewire.Entry) bool {
	e.UID, e.Namespace, e.RequestID = p.o.UID, r.e.Namespace, r.e.RequestID
	var to string
	var payload []byte
	var err error
	switch r.by {
	case byStream:
		f, err := e.Fields() // which Append would refuse
		if err != nil {
			return false
		}
		return p.outbox.put(item{entry: e, size: itemSize + len(f.Data)})
	case byPubSub:
		to = p.pubsubChannel(nodewire.Responses, e.Namespace)
		payload, err = e.AppendResponse(nil)
	default:
		to = p.channel(e.Namespace, r.e.UID)
		payload, err = e.AppendMap(nil)
	}
	return err == nil && p.post(to, payload)
}

// post sends a message without waiting for that. It reports false if too many wait.
func (p *Peers) post(channel string, payload []byte) bool {
	return p.outbox.put(item{message: Message{channel, payload}, size: itemSize + len(payload)})
}
