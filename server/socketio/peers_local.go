package socketio

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// localPeer answers the other servers of the cluster.
type localPeer struct{ srv *Server }

// selected returns a broadcast to what another server has selected. It reports false for nobody:
// none of the names can be that of a room here.
func (l localPeer) selected(namespace string, opts nodewire.Opts) (b Broadcast, any bool) {
	to := opts.Recipients(namespace)
	b = l.srv.In(namespace).Local()
	b.to, b.except = to.Rooms, to.Except
	return b, len(to.Rooms) > 0
}

// Sockets implements peers.Local.
func (l localPeer) Sockets(namespace string, opts nodewire.Opts) []nodewire.Socket {
	b, any := l.selected(namespace, opts)
	if !any {
		return nil
	}
	var sockets []nodewire.Socket
	for _, c := range b.Conns() {
		sockets = append(sockets, c.socket())
	}
	return sockets
}

// Change implements peers.Local.
func (l localPeer) Change(e *nodewire.Entry) (do func()) {
	b, any := l.selected(e.Namespace, e.Opts)
	if !any {
		return func() {}
	}
	members := b.Members() // now: later entries may change the rooms
	if e.Type == nodewire.TypeDisconnect {
		// Functions that the Hub calls when a member leaves can wait for the log, whose reader waits
		// here.
		return func() { l.srv.workers.Go(func() { disconnect(members, e.Close) }) }
	}
	names := nodewire.Opts{Rooms: e.Rooms}.Recipients(e.Namespace).Rooms
	return func() {
		switch {
		case len(names) == 0:
		case e.Type == nodewire.TypeJoin:
			l.srv.hub.JoinAll(members, names...)
		default:
			l.srv.hub.LeaveAll(members, names...)
		}
	}
}

// Ask implements peers.Local.
func (l localPeer) Ask(ctx context.Context, e *nodewire.Entry, counted func(int),
	answer func(nodewire.Value), done func(),
) {
	var conns []*Conn
	if b, any := l.selected(e.Namespace, e.Opts); any {
		conns = b.Conns()
	}
	counted(len(conns))
	q := inquiry{kindEvent, e.Packet.JSON, e.Packet.Attachments}
	if len(q.attachments) > 0 {
		q.kind = kindBinaryEvent
	}
	w := &foreignAsk{done: done, waiting: 1}
	for i, c := range conns {
		if (i+1)*len(q.data) > maxAskedBytes {
			break // the other server reports that these have not answered
		}
		w.add()
		a, err := c.ask(q, func(a Answer, err error) {
			if err == nil {
				answer(a.first())
			}
			w.end()
		})
		if err != nil {
			w.end()
			continue
		}
		w.keep(a)
	}
	w.stopWith(ctx)
}

// foreignAsk is a broadcast of another server that waits for acknowledgements.
type foreignAsk struct {
	done func()

	mu      sync.Mutex // guards the fields below
	asked   []asked
	waiting int  // clients, and one until all are asked
	isLate  bool // the other server waits no longer
	stop    func() bool
}

func (w *foreignAsk) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
}

func (w *foreignAsk) keep(a asked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, a)
}

// end notes that one is no longer waited for.
func (w *foreignAsk) end() {
	w.mu.Lock()
	w.waiting--
	over, stop := w.waiting == 0 && !w.isLate, w.stop
	w.mu.Unlock()
	if !over {
		return
	}
	if stop != nil {
		stop()
	}
	w.done()
}

// stopWith forgets the asks that have no answer when ctx ends.
func (w *foreignAsk) stopWith(ctx context.Context) {
	w.mu.Lock()
	w.stop = context.AfterFunc(ctx, func() {
		w.mu.Lock()
		over := w.waiting == 0 || w.isLate
		w.isLate = true
		asked := w.asked
		w.mu.Unlock()
		if over {
			return
		}
		for _, a := range asked {
			a.forget()
		}
		w.done()
	})
	w.mu.Unlock()
	w.end()
}

// first returns the first argument of an answer, as Node does, or null.
func (a Args) first() nodewire.Value {
	if len(a.raw) == 0 {
		return nodewire.Value{JSON: json.RawMessage("null")}
	}
	if !a.hasBinary(0) {
		return nodewire.Value{JSON: a.raw[0]}
	}
	v, err := a.value(0, make([]bool, len(a.parts)))
	if err != nil {
		return nodewire.Value{JSON: json.RawMessage("null")}
	}
	value, err := encodeValue(v) // numbers its attachments from 0
	if err != nil {
		return nodewire.Value{JSON: json.RawMessage("null")}
	}
	return value
}

// encodeValue returns a value for other servers.
func encodeValue(v any) (value nodewire.Value, err error) {
	v, err = detach(v, placeholders(&value.Attachments))
	if err == nil {
		value.JSON, err = marshal(v)
	}
	return value, err
}
