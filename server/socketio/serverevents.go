package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// ServerEvent is an event that another server has emitted with serverSideEmit or ServerSideEmit.
type ServerEvent struct {
	Namespace string
	Name      string
	From      string // the uid of the server
	Args
	answer func(nodewire.Value) // nil: the server waits for none
}

// WantsAck reports whether the server waits for an answer. After 3.5 seconds it gets null.
func (e *ServerEvent) WantsAck() bool { return e.answer != nil }

// Ack answers the event with one value, encoded like an argument of Conn.Emit. Only the first call
// counts. Without WantsAck it does nothing.
func (e *ServerEvent) Ack(value any) error {
	if e.answer == nil {
		return nil
	}
	v, err := encodeValue(value)
	if err != nil {
		return err
	}
	e.answer(v)
	return nil
}

// ServerApp is an App that also handles the events of other servers. The Server asks its
// applications until one has handled the event. Events run one at a time.
type ServerApp interface {
	ServerEvent(ctx context.Context, e *ServerEvent) (handled bool)
}

// OnServerSide sets the handler of an event of other servers. Handlers run one at a time, in the
// order of each server's events, so f should start a goroutine for slow work. It panics if the
// event has a handler already.
func (n *Namespace) OnServerSide(event string, f func(ctx context.Context, e *ServerEvent)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.serverEvents[event] != nil {
		panic(fmt.Sprintf("socketio: OnServerSide(%q): the event has a handler already", event))
	}
	if n.serverEvents == nil {
		n.serverEvents = map[string]func(context.Context, *ServerEvent){}
	}
	n.serverEvents[event] = f
}

// ServerSideEmit sends an event to the other servers that have the namespace, Roomcast nodes and
// servers on Node. It is not stored. The arguments are those of Conn.Emit. The error is ErrAlone
// without a cluster.
func (n *Namespace) ServerSideEmit(ctx context.Context, event string, args ...any) error {
	e, err := n.serverEntry(event, args)
	if err != nil {
		return err
	}
	return n.srv.opts.Peers.Tell(ctx, e)
}

// ServerSideAsk is ServerSideEmit, and waits for the answer of each server, for 5 seconds at most.
// The arguments of an answer are the one value of the server, null from a Roomcast node without a
// handler. With an error it returns the answers that have arrived: a *peers.SilentError says how
// many servers have not answered. One on Node does not answer without a handler.
func (n *Namespace) ServerSideAsk(
	ctx context.Context, event string, args ...any,
) (answers []Args, err error) {
	e, err := n.serverEntry(event, args)
	if err != nil {
		return nil, err
	}
	err = n.srv.opts.Peers.Call(ctx, e, func(answer *nodewire.Entry) {
		answers = append(answers, valueArgs(answer.Packet))
	})
	return answers, err
}

func (n *Namespace) serverEntry(event string, args []any) (*nodewire.Entry, error) {
	if n.srv.opts.Peers == nil {
		return nil, ErrAlone
	}
	packet, err := encodeValue(append([]any{event}, args...))
	if err != nil {
		return nil, fmt.Errorf("socketio: emit %q to servers: %w", event, err)
	}
	return &nodewire.Entry{Type: nodewire.TypeServerEmit, Namespace: n.name, Packet: packet}, nil
}

// ServerEvent implements ServerApp.
func (h handlers) ServerEvent(ctx context.Context, e *ServerEvent) bool {
	n := h.of(e.Namespace)
	if n == nil {
		return false
	}
	n.mu.RLock()
	f := n.serverEvents[e.Name]
	n.mu.RUnlock()
	if f == nil {
		return false
	}
	f(ctx, e)
	return true
}

// ServerEvent implements peers.Local.
func (l localPeer) ServerEvent(
	ctx context.Context, entry *nodewire.Entry, answer func(nodewire.Value),
) {
	e := &ServerEvent{Namespace: entry.Namespace, From: entry.UID, answer: answer}
	var array []json.RawMessage
	if json.Unmarshal(entry.Packet.JSON, &array) != nil || len(array) == 0 ||
		json.Unmarshal(array[0], &e.Name) != nil { // it was checked
		return
	}
	e.Args = Args{slices.Clip(array[1:]), entry.Packet.Attachments}
	for _, app := range l.srv.apps {
		if a, ok := app.App.(ServerApp); ok && l.handled(ctx, a, e) {
			return
		}
	}
	_ = e.Ack(nil) // else the other server would wait until its timeout
}

// handled calls an application. A panic counts as an event that was handled.
func (l localPeer) handled(ctx context.Context, a ServerApp, e *ServerEvent) (handled bool) {
	defer func() {
		if v := recover(); v != nil {
			l.srv.Contain("handler of an event of a server", v)
			_ = e.Ack(nil)
			handled = true
		}
	}()
	return a.ServerEvent(ctx, e)
}

// root returns the namespace "/".
func (s *Server) root() *Namespace { return s.Of(notify.RootNamespace) }

// ServerSideEmit is that of the namespace "/", see Namespace.ServerSideEmit.
func (s *Server) ServerSideEmit(ctx context.Context, event string, args ...any) error {
	return s.root().ServerSideEmit(ctx, event, args...)
}
