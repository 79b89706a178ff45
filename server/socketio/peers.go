package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/rooms"
)

// ErrAlone is the error of a call to other servers without Options.Peers.
var ErrAlone = errors.New(
	"there is no other server to emit to: this server is not part of a cluster")

// tellTimeout is how long a change of clients of other servers may take to be sent.
const tellTimeout = 5 * time.Second

// ConnInfo describes a client of any server.
type ConnInfo struct {
	ID        string
	Handshake json.RawMessage // an object as that of a Node server
	Data      json.RawMessage // the value of Conn.SetData, or socket.data; nil: none
	Rooms     []string        // one is the ID
}

// FetchConns returns the selected Socket.IO clients of all servers of the cluster, in no particular
// order. EventSource streams are not among them. With an error it returns those of the servers that
// have answered: a *peers.SilentError says how many have not.
func (b Broadcast) FetchConns(ctx context.Context) ([]ConnInfo, error) {
	var infos []ConnInfo
	for _, c := range b.Conns() {
		infos = append(infos, ConnInfo(c.socket()))
	}
	others, err := b.FetchOthers(ctx)
	return append(infos, others...), err
}

// FetchOthers is FetchConns without the clients of this server.
func (b Broadcast) FetchOthers(ctx context.Context) (infos []ConnInfo, err error) {
	if b.isLocal() {
		return nil, nil
	}
	opts, err := b.opts()
	if err != nil {
		return nil, err
	}
	var damaged error
	err = b.srv.opts.Peers.Call(ctx, &nodewire.Entry{
		Type: nodewire.TypeFetchSockets, Namespace: b.namespace, Opts: opts,
	}, func(answer *nodewire.Entry) {
		sockets, err := answer.Sockets()
		damaged = errors.Join(damaged, err)
		for _, s := range sockets {
			infos = append(infos, ConnInfo(s))
		}
	})
	return infos, errors.Join(err, damaged)
}

// Local restricts a broadcast to the clients of this server. Its Emit stores nothing, like that of
// Volatile.
func (b Broadcast) Local() Broadcast {
	b.local, b.volatile = true, true
	return b
}

// isLocal reports whether no other server can have clients of the broadcast.
func (b Broadcast) isLocal() bool { return b.local || b.srv.opts.Peers == nil }

// opts returns the selection of clients for other servers.
func (b Broadcast) opts() (nodewire.Opts, error) {
	return nodewire.OptsOf(b.namespace, notify.Recipients{Rooms: b.rooms(), Except: b.except})
}

// tell changes the clients of other servers.
func (b Broadcast) tell(e *nodewire.Entry) {
	if b.isLocal() {
		return
	}
	opts, err := b.opts()
	if err == nil {
		e.Namespace, e.Opts, e.RequestID = b.namespace, opts, b.change
		ctx, cancel := context.WithTimeout(context.Background(), tellTimeout)
		defer cancel()
		err = b.srv.opts.Peers.Tell(ctx, e)
	}
	if err != nil {
		b.srv.log.Error("clients of other servers did not get a change of rooms, or an order to "+
			"disconnect", zap.String("namespace", b.namespace), zap.Error(err))
	}
}

// askAll asks the selected clients of all servers. conns are those of this server.
func (b Broadcast) askAll(
	ctx context.Context, conns []*Conn, q inquiry, keep func(Answer) bool,
) (answers []Answer, others int, err error) {
	if b.isLocal() {
		answers, err = askAll(ctx, conns, q, keep)
		return answers, 0, err
	}
	opts, err := b.opts()
	if err != nil {
		return nil, 0, err // nobody was asked
	}
	var remote []Answer
	var failed error
	var asking sync.WaitGroup
	asking.Go(func() { remote, others, failed = b.askPeers(ctx, opts, q, keep) })
	answers, err = askAll(ctx, conns, q, keep)
	asking.Wait()
	if failed != nil {
		err = errors.Join(err, &OthersError{failed})
	}
	return append(answers, remote...), others, err
}

// OthersError is the error of an Ask that does not have the answers of all clients of other servers:
// they did not answer, or were not asked. The clients of this server were asked.
type OthersError struct{ Cause error }

func (e *OthersError) Error() string {
	return fmt.Sprintf("socketio: clients of other servers: %v", e.Cause)
}

func (e *OthersError) Unwrap() error { return e.Cause }

// askPeers asks the clients of other servers. An answer does not say whose it is.
func (b Broadcast) askPeers(
	ctx context.Context, opts nodewire.Opts, q inquiry, keep func(Answer) bool,
) (answers []Answer, clients int, err error) {
	dropped := false
	err = b.askOthers(ctx, opts, func(n int) { clients += n }, func(args Args) {
		if a := (Answer{Args: args}); keep(a) {
			answers = append(answers, a)
		} else {
			dropped = true
		}
	}, q)
	if dropped {
		err = errors.Join(err, ErrUnanswered)
	}
	return answers, clients, err
}

// AskOthers asks the clients of other servers, and no client of this one. It calls counted with the
// number of clients that a server has asked, and answer with each acknowledgement, one at a time;
// they do not wait. It returns when all have answered, after a minute, or when ctx ends.
func (b Broadcast) AskOthers(
	ctx context.Context, counted func(int), answer func(Args), event string, args ...any,
) error {
	q, err := newInquiry(event, args)
	if err != nil || b.isLocal() {
		return err
	}
	opts, err := b.opts()
	if err != nil {
		return err
	}
	return b.askOthers(ctx, opts, counted, answer, q)
}

func (b Broadcast) askOthers(
	ctx context.Context, opts nodewire.Opts, counted func(int), answer func(Args), q inquiry,
) error {
	if deadline, ok := ctx.Deadline(); ok {
		opts.Timeout = max(time.Millisecond, time.Until(deadline))
	}
	return b.srv.opts.Peers.Call(ctx, &nodewire.Entry{
		Type: nodewire.TypeBroadcast, Namespace: b.namespace, Opts: opts,
		Packet: nodewire.Value{JSON: q.data, Attachments: q.attachments},
	}, func(e *nodewire.Entry) {
		if e.Type == nodewire.TypeClientCount {
			counted(e.Count)
			return
		}
		answer(valueArgs(e.Packet))
	})
}

// valueArgs returns the argument that a value of another server is.
func valueArgs(v nodewire.Value) Args {
	return Args{raw: []json.RawMessage{v.JSON}, parts: v.Attachments}
}

// Made says that this server makes a change of its clients that another one has named.
func (s *Server) Made(change string) {
	if s.opts.Peers != nil {
		s.opts.Peers.Made(change)
	}
}

// HasPeers reports whether the server is part of a cluster.
func (s *Server) HasPeers() bool { return s.opts.Peers != nil }

// ServerCount returns how many servers of the cluster have a namespace, this one included.
func (s *Server) ServerCount(ctx context.Context, namespace string) (int, error) {
	if s.opts.Peers == nil {
		return 1, nil
	}
	return s.opts.Peers.ServerCount(ctx, namespace)
}

// JoinCluster begins to answer the servers of Options.Peers. Call it once, after Mount. Without Peers
// it does nothing.
func (s *Server) JoinCluster() {
	p := s.opts.Peers
	if p == nil {
		return
	}
	s.hub.OnRoomChange(func(c notify.RoomChange) {
		namespace, room := rooms.Split(c.Room)
		switch {
		case room != rooms.All:
		case c.Kind == notify.RoomCreated:
			p.Enter(namespace)
		case c.Kind == notify.RoomDeleted:
			p.Leave(namespace)
		}
	})
	p.Serve(localPeer{s})
}

var _ peers.Local = localPeer{}
