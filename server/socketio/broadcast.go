package socketio

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// Broadcast is a choice of clients of one namespace: those in any of the rooms it names, all when it names none, without
// those in a room that it leaves out. EventSource streams are among the clients of "/". A Broadcast is a value: its
// methods return another one and change nothing, so it can be kept and shared.
type Broadcast struct {
	srv        *Server
	namespace  string
	to, except []string // hub rooms
	volatile   bool
}

// To is a broadcast to rooms of "/"; without rooms, to every client.
func (s *Server) To(names ...string) Broadcast { return s.In(notify.RootNamespace).To(names...) }

// To adds rooms. The ID of a client is the name of its own room.
func (b Broadcast) To(names ...string) Broadcast {
	b.to = append(b.to[:len(b.to):len(b.to)], b.srv.hubRooms(b.namespace, names)...)
	return b
}

// Except leaves out the clients in rooms, such as a client by its ID.
func (b Broadcast) Except(names ...string) Broadcast {
	b.except = append(b.except[:len(b.except):len(b.except)], b.srv.hubRooms(b.namespace, names)...)
	return b
}

// Volatile makes Emit store nothing: a client that is away or behind does not get the event.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

func (b Broadcast) rooms() []string {
	if len(b.to) == 0 {
		return []string{rooms.In(b.namespace, rooms.All)}
	}
	return b.to
}

// Emit sends an event, see Conn.Emit for its arguments, and returns what it reached. The error says that an argument
// cannot be encoded, or wraps notify.ErrUnavailable when the event could not be stored; nothing was sent then.
func (b Broadcast) Emit(event string, args ...any) (notify.Receipt, error) {
	if err := checkEvent(event); err != nil {
		return notify.Receipt{}, err
	}
	m := &notify.Message{Namespace: b.namespace, Rooms: b.rooms(), Except: b.except, Type: event, Volatile: b.volatile}
	if err := encodeArgs(m, args); err != nil {
		return notify.Receipt{}, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	return b.srv.hub.Deliver(context.Background(), m)
}

// Ask sends an event to the Socket.IO clients among them and waits for the acknowledgement of each. It returns those
// that came, with the error of ctx when some did not, and ErrClosed when a client left without one. Nothing is stored:
// clients that reconnect later are not asked. See Conn.Ask on where to call it.
func (b Broadcast) Ask(ctx context.Context, event string, args ...any) ([]Answer, error) {
	conns := b.Conns()
	type result struct {
		answer Answer
		err    error
	}
	results := make(chan result, len(conns))
	asked := make([]asked, 0, len(conns))
	defer func() {
		for _, a := range asked {
			a.forget()
		}
	}()
	var err error
	for _, c := range conns {
		a, failed := c.ask(event, args, func(answer Answer, err error) { results <- result{answer, err} })
		switch {
		case errors.Is(failed, ErrClosed): // it has left since it was listed
			err = failed
		case failed != nil:
			return nil, failed
		default:
			asked = append(asked, a)
		}
	}
	answers := make([]Answer, 0, len(conns))
	for range asked {
		select {
		case r := <-results:
			if r.err == nil {
				answers = append(answers, r.answer)
			} else {
				err = r.err
			}
		case <-ctx.Done():
			return answers, ctx.Err()
		}
	}
	return answers, err
}

// Conns are the Socket.IO clients among them, in no order.
func (b Broadcast) Conns() []*Conn {
	var conns []*Conn
	for _, m := range b.Members() {
		if c := connOf(m); c != nil && !c.isConnecting() {
			conns = append(conns, c)
		}
	}
	return conns
}

// connOf is the Conn of a member, nil for an EventSource stream and for a client that is just attached: it counts as one
// that comes later.
func connOf(m *notify.Member) *Conn {
	c, ok := m.Owner().(*Conn)
	if !ok {
		return nil
	}
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if !c.listed {
		return nil
	}
	return c
}

// Members are all of the clients as the Hub knows them, EventSource streams included, in no order.
func (b Broadcast) Members() []*notify.Member { return b.srv.hub.Match(b.rooms(), b.except) }

// Join puts the clients into rooms of the namespace, see Conn.Join.
func (b Broadcast) Join(names ...string) {
	hubRooms := b.srv.hubRooms(b.namespace, names)
	for _, m := range b.Members() {
		m.Join(hubRooms...)
	}
}

// Leave takes the clients out of rooms, see Conn.Leave.
func (b Broadcast) Leave(names ...string) {
	hubRooms := b.srv.hubRooms(b.namespace, names)
	for _, m := range b.Members() {
		m.Leave(hubRooms...)
	}
}

// Close makes the clients leave the namespace, see Conn.Close. EventSource streams end.
func (b Broadcast) Close() {
	for _, m := range b.Members() {
		if c := connOf(m); c != nil {
			c.Close()
		} else if _, ours := m.Owner().(*Conn); !ours {
			m.Void()
			m.Disconnect(ReasonServerClosed)
		}
	}
}

// In is a broadcast to all clients of a namespace, whether Of was called for it or not.
func (s *Server) In(namespace string) Broadcast { return Broadcast{srv: s, namespace: namespace} }
