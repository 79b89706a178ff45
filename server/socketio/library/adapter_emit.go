package library

import (
	"errors"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/socketio"
)

// Broadcast publishes an emit. It only reads the packet, because a parent namespace passes the same
// packet to all of its children. An emit that asks for an acknowledgement is sent directly and is
// not stored.
func (a *adapter) Broadcast(p *parser.Packet, opts *socket.BroadcastOptions) {
	args, ok := p.Data.([]any)
	if !ok || len(args) == 0 {
		return
	}
	name, ok := args[0].(string)
	if !ok {
		a.f.log.Error("refused an emit: its event name is not a string",
			zap.String("namespace", a.nsp.Name()))
		return
	}
	only := a.only(opts)
	if only != nil {
		// For a broadcast, outgoing listeners would need a loop over all members.
		if fn := only.sock.NotifyOutgoingListeners(); fn != nil {
			fn(p)
		}
	}
	to := a.target(opts)
	if p.Id != nil {
		timed := opts != nil && opts.Flags != nil && opts.Flags.Timeout != nil
		a.ask(only, to, name, args[1:], *p.Id, timed)
		return
	}
	if opts != nil && opts.Flags != nil && opts.Flags.Volatile {
		to = to.Volatile()
	}
	if _, err := to.Emit(name, args[1:]...); err != nil {
		a.logUnsent(name, err)
	}
}

// only returns the one client that an emit addresses, nil for a broadcast.
func (a *adapter) only(opts *socket.BroadcastOptions) *peer {
	if opts == nil || opts.Rooms == nil || opts.Rooms.Len() != 1 {
		return nil
	}
	if sock, ok := a.nsp.Sockets().Load(socket.SocketId(opts.Rooms.Keys()[0])); ok {
		return a.f.peerOf(sock)
	}
	return nil
}

// ask sends an emit of a Socket that has stored the acknowledgement function under id. The client
// may not have its CONNECT reply yet. The function of a Socket with a timeout ignores errors, so it
// gets none and reports its timeout: without that, a failure would look like an answer.
func (a *adapter) ask(
	only *peer, to socketio.Broadcast, name string, args []any, id uint64, timed bool,
) {
	peers := []*peer{only}
	if only == nil {
		peers = peers[:0]
		for _, c := range to.Conns() {
			if p := a.f.peer(c); p != nil {
				peers = append(peers, p)
			}
		}
	}
	for _, p := range peers {
		answered := func(answer socketio.Answer, err error) {
			if err != nil && timed {
				return
			}
			if ack, waits := p.sock.Acks().LoadAndDelete(id); waits { // otherwise it has timed out
				acknowledge(ack, answer, err)
			}
		}
		err := p.conn.AskFunc(name, answered, args...)
		if err == nil {
			continue
		}
		if timed || !errors.Is(err, socketio.ErrTooManyAsks) { // else the function is enough
			a.logUnsent(name, err)
		}
		if !timed {
			p.conn.Do(func() { answered(socketio.Answer{}, err) })
		}
	}
}

func (a *adapter) logUnsent(name string, err error) {
	a.f.log.Error("did not send an emit", zap.String("event", name),
		zap.String("namespace", a.nsp.Name()), zap.Error(err))
}

// BroadcastWithAck sends to the Socket.IO clients of all servers only, because EventSource clients cannot answer. The
// library counts the answers with a data race; Broadcast.Ask of package socketio has none. A client
// that cannot be asked counts as one that does not answer, so the library reports a timeout.
func (a *adapter) BroadcastWithAck(
	p *parser.Packet, opts *socket.BroadcastOptions, count func(uint64), ack socket.Ack,
) {
	args, ok := p.Data.([]any)
	if !ok || len(args) == 0 {
		return
	}
	name, _ := args[0].(string)
	if opts != nil && opts.Flags != nil && opts.Flags.ExpectSingleResponse {
		each := ack
		ack = func(values []any, err error) {
			each([]any{values}, err) // the library asserts that the single answer is a slice
		}
	}
	expected, unasked := uint64(0), 0
	for _, c := range a.target(opts).Conns() {
		err := c.AskFunc(name, func(answer socketio.Answer, err error) {
			if err != nil {
				return
			}
			acknowledge(ack, answer, nil)
		}, args[1:]...)
		switch {
		case errors.Is(err, socketio.ErrTooManyAsks):
			unasked++
			expected++
		case err == nil:
			expected++
		}
	}
	if unasked > 0 {
		a.logUnsent(name, &socketio.UnaskedError{Clients: unasked})
	}
	count(expected)
	a.askOthers(opts, name, args[1:], count, ack)
}

func acknowledge(ack socket.Ack, answer socketio.Answer, err error) {
	if err != nil {
		ack(nil, err)
		return
	}
	values, err := answer.Values()
	ack(buffers(values), err)
}
