package socketio

import (
	"context"
	"encoding/base64"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// target are the Hub rooms of an emit; none means the whole namespace.
func (a *adapter) target(opts *socket.BroadcastOptions) (to, except []string, flags socket.BroadcastFlags) {
	if opts != nil {
		to, except = a.hubRooms(opts.Rooms), a.hubRooms(opts.Except)
		if opts.Flags != nil {
			flags = *opts.Flags
		}
	}
	if len(to) == 0 {
		to = []string{rooms.In(a.nsp.Name(), rooms.All)}
	}
	return to, except, flags
}

// Broadcast publishes an emit. The packet is only read: a parent namespace hands
// one to all of its children. An emit that asks for an acknowledgement is sent
// directly and is not logged.
func (a *adapter) Broadcast(p *parser.Packet, opts *socket.BroadcastOptions) {
	to, except, flags := a.target(opts)
	args, ok := p.Data.([]any)
	if !ok || len(args) == 0 {
		return
	}
	if opts != nil && opts.Rooms != nil && opts.Rooms.Len() == 1 {
		a.notifyOutgoing(to, p)
	}
	if p.Id != nil {
		a.direct(p, to, except, nil)
		return
	}
	name, _ := args[0].(string)
	m := &notify.Message{
		Namespace: a.nsp.Name(), Rooms: to, Except: except, Type: name,
		Volatile: flags.Volatile || flags.Local,
	}
	if err := encodeArgs(m, args[1:]); err != nil {
		a.srv.logEncodeError(m.Namespace, err)
		return
	}
	if _, err := a.srv.hub.Deliver(context.Background(), m); err != nil {
		a.srv.log.Error("emit was not stored", zap.String("event", name), zap.Error(err))
	}
}

// encodeArgs fills in the arguments of an emit: for EventSource with binary
// values as base64, for Socket.IO with them as attachments.
func encodeArgs(m *notify.Message, args []any) error {
	split, err := detach(args, placeholders(&m.Attachments))
	if err != nil {
		return err
	}
	if m.Args, err = marshal(split); err != nil || len(m.Attachments) == 0 {
		return err
	}
	m.BinaryArgs = m.Args
	next := 0
	inline, err := detach(args, func([]byte) any {
		next++
		return base64.StdEncoding.EncodeToString(m.Attachments[next-1])
	})
	if err != nil {
		return err
	}
	m.Args, err = marshal(inline)
	return err
}

// notifyOutgoing tells the OnAnyOutgoing listeners of the one client that an
// emit is for. Listeners of a broadcast would cost a walk through its members.
func (a *adapter) notifyOutgoing(to []string, p *parser.Packet) {
	if _, name := rooms.Split(to[0]); name != "" {
		if id, ok := rooms.IsClient(name); ok {
			if sock, ok := a.nsp.Sockets().Load(socket.SocketId(id)); ok {
				if fn := sock.NotifyOutgoingListeners(); fn != nil {
					fn(p)
				}
			}
		}
	}
}

// direct sends a packet to the Socket.IO members it matches, past the log, and
// returns how many those are. each is called for every one before it is sent.
func (a *adapter) direct(p *parser.Packet, to, except []string, each func(*socket.Socket)) (sent uint64) {
	w, err := encodeWire(byte(p.Type), a.nsp.Name(), p.Id, p.Data)
	if err != nil {
		a.srv.logEncodeError(a.nsp.Name(), err)
		return 0
	}
	for _, m := range a.srv.hub.Match(to, except) {
		peer, ok := m.Owner().(*peer)
		if !ok {
			continue
		}
		sock := peer.sock()
		if sock == nil || !peer.expects(*p.Id) {
			continue
		}
		if each != nil {
			each(sock)
		}
		peer.link.sendPacket(w)
		sent++
	}
	return sent
}

// BroadcastWithAck sends to Socket.IO members only: EventSource cannot answer.
// Server.Ask is the way without the data race in the library's counting.
func (a *adapter) BroadcastWithAck(p *parser.Packet, opts *socket.BroadcastOptions, count func(uint64), ack socket.Ack) {
	to, except, flags := a.target(opts)
	id := a.nsp.Ids()
	asked := &parser.Packet{Type: p.Type, Nsp: a.nsp.Name(), Data: p.Data, Id: &id}
	count(a.direct(asked, to, except, func(sock *socket.Socket) {
		sock.Acks().Store(id, func(args []any, err error) {
			if flags.ExpectSingleResponse {
				args = []any{args} // the library asserts the one answer to be a slice
			}
			ack(args, err)
		})
	}))
}
