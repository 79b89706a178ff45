package library

import (
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
		a.ask(only, to, name, args[1:], *p.Id)
		return
	}
	if opts != nil && opts.Flags != nil && (opts.Flags.Volatile || opts.Flags.Local) {
		to = to.Volatile()
	}
	if _, err := to.Emit(name, args[1:]...); err != nil {
		a.f.log.Error("did not send an emit", zap.String("event", name),
			zap.String("namespace", a.nsp.Name()), zap.Error(err))
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
// may not have its CONNECT reply yet.
func (a *adapter) ask(only *peer, to socketio.Broadcast, name string, args []any, id uint64) {
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
		err := p.conn.AskFunc(name, func(answer socketio.Answer, err error) {
			if ack, waits := p.sock.Acks().LoadAndDelete(id); waits { // otherwise it has timed out
				acknowledge(ack, answer, err)
			}
		}, args...)
		if err != nil {
			a.f.log.Error("did not send an emit", zap.String("event", name),
				zap.String("namespace", a.nsp.Name()), zap.Error(err))
		}
	}
}

// BroadcastWithAck sends to Socket.IO members only, because EventSource clients cannot answer. The
// library counts the answers with a data race; Broadcast.Ask of package socketio has none.
func (a *adapter) BroadcastWithAck(
	p *parser.Packet, opts *socket.BroadcastOptions, count func(uint64), ack socket.Ack,
) {
	args, ok := p.Data.([]any)
	if !ok || len(args) == 0 {
		return
	}
	name, _ := args[0].(string)
	conns := a.target(opts).Conns()
	single := opts != nil && opts.Flags != nil && opts.Flags.ExpectSingleResponse
	asked := uint64(0)
	for _, c := range conns {
		err := c.AskFunc(name, func(answer socketio.Answer, err error) {
			acknowledge(func(values []any, err error) {
				if single {
					values = []any{values} // the library asserts that the single answer is a slice
				}
				ack(values, err)
			}, answer, err)
		}, args[1:]...)
		if err == nil {
			asked++
		}
	}
	count(asked)
}

func acknowledge(ack socket.Ack, answer socketio.Answer, err error) {
	if err != nil {
		ack(nil, err)
		return
	}
	values, err := answer.Values()
	ack(buffers(values), err)
}
