package socketio

import (
	"context"

	"github.com/roomcast/roomcast/server/edge"
)

// Before adds a function that runs for every event of every client before the applications,
// including the built-in events except auth:refresh, which carries a token. An error ends the
// event: the client gets it as the acknowledgement, see Namespace.On. Call Before before the first
// client connects.
func (s *Server) Before(f func(ctx context.Context, c *Conn, e *Event) error) {
	s.before = append(s.before, f)
}

// dispatch passes an event to the Before functions and the applications.
func (c *client) dispatch(p *packet) {
	conn := c.conn(p.namespace)
	if conn == nil {
		c.end("event of a namespace that the client is not in")
		return
	}
	if conn.hasLeft() {
		return
	}
	event := c.event(conn, p)
	if p.excess != nil {
		refusal := errorEvent{Code: edge.CodePayloadTooLarge, Message: p.excess.Error()}
		c.srv.opts.Metrics.Refused(refusal.Code)
		event.Ack(errorReply{Error: refusal})
		conn.control("error", refusal)
		return
	}
	if conn.refresh(event) {
		return
	}
	ctx := c.session.Context()
	for _, f := range c.srv.before {
		if err := f(ctx, conn, event); err != nil {
			event.Ack(errorReply{Error: refusalOf(err).Data})
			return
		}
	}
	if !conn.offer(ctx, event) {
		c.srv.opts.Metrics.Refused(edge.CodeUnknownEvent)
		if c.srv.opts.Plain {
			return // as in Node, where nothing knows which events have handlers
		}
		event.Ack(errorReply{Error: refusalData{Code: edge.CodeUnknownEvent}})
	}
}

// offer asks the applications in turn and reports whether one of them has handled the event.
func (c *Conn) offer(ctx context.Context, e *Event) (handled bool) {
	for i, app := range c.client.srv.apps {
		if c.apps&(1<<i) == 0 {
			continue
		}
		if !handled {
			handled = app.Event(ctx, c, e)
		} else if observer, ok := app.App.(Observer); ok {
			observer.Observe(ctx, c, e)
		}
	}
	return handled
}

// event returns a packet in the form that applications see.
func (c *client) event(conn *Conn, p *packet) *Event {
	e := &Event{Name: p.name, Args: Args{p.args, p.parts}}
	if p.hasID {
		e.ack = &acknowledgement{conn, p.id}
	}
	return e
}
