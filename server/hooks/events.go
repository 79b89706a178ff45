package hooks

import (
	"context"
	"encoding/json"
	"net/netip"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
)

// EventHook answers the events of Socket.IO clients: it posts each to the handler of its namespace
// and does what the handler answers. Events of one client are posted one at a time, in their order.
// No event is posted twice.
type EventHook struct {
	*Hooks
	hub *notify.Hub
}

// EventHook returns the event hook, to be mounted after the applications that answer events in this
// process.
func (h *Hooks) EventHook(hub *notify.Hub) *EventHook { return &EventHook{h, hub} }

var _ socketio.App = (*EventHook)(nil)

// Serves reports whether a namespace has a handler.
func (h *EventHook) Serves(namespace string) bool { return h.address(namespace) != "" }

// address returns the URL of the handler of a namespace, "" without one.
func (h *EventHook) address(namespace string) string {
	if address, own := h.o.Events.URLs[namespace]; own {
		return address
	}
	return h.o.Events.URLs["*"]
}

// Renewed implements socketio.Renewer. The data of the connect hook is merged into that of the
// connection, as a middleware of a Node server sets members of socket.data that a recovered
// connection has already.
func (h *EventHook) Renewed(c *socketio.Conn) {
	data := c.Identity().Data
	if len(data) == 0 {
		return
	}
	change, err := strictjson.Split(data, strictjson.Rules{Depth: maxAnswerDepth})
	if err == nil {
		data, err = mergeData(dataOf(c), change)
	}
	if err != nil { // together they are too large: the newest counts
		data = c.Identity().Data
	}
	c.SetData(connData(data))
}

type eventData struct {
	Connection connectionData `json:"connection"`
	Event      string         `json:"event"`
	Args       socketio.Args  `json:"args"`
	WantsAck   bool           `json:"wantsAck"`
}

type connectionData struct {
	ID        string          `json:"id"`
	Namespace string          `json:"namespace"`
	UserID    string          `json:"userId,omitempty"`
	Username  string          `json:"username,omitempty"`
	Transport string          `json:"transport"`
	Rooms     []string        `json:"rooms"`
	Data      json.RawMessage `json:"data"`
}

func connectionOf(c *socketio.Conn) connectionData {
	identity := c.Identity()
	return connectionData{
		ID: c.ID(), Namespace: c.Namespace(), UserID: identity.RoomUser(),
		Username: identity.Username, Transport: c.Transport(), Rooms: c.Rooms(), Data: dataOf(c),
	}
}

// Event posts an event and does what the answer says. The request does not end with the connection:
// what a client has sent before it left is handled.
func (h *EventHook) Event(ctx context.Context, c *socketio.Conn, e *socketio.Event) bool {
	err := h.handle(ctx, c, message{
		kind: "event", size: e.Size(), event: e,
		data: eventData{connectionOf(c), e.Name, e.Args, e.WantsAck()},
	})
	if err != nil {
		e.Ack(unavailable)
	}
	return true
}

// unavailable is the acknowledgement of an event that had no usable answer.
var unavailable = struct {
	Error struct {
		Code string `json:"code"`
	} `json:"error"`
}{struct {
	Code string `json:"code"`
}{edge.CodeUnavailable}}

// message is what a request is about.
type message struct {
	kind  string          // the type of the request
	size  int             // bytes
	event *socketio.Event // nil: none waits for an acknowledgement
	left  bool            // the client has left
	data  any
}

func (h *EventHook) handle(ctx context.Context, c *socketio.Conn, m message) (err error) {
	if h.o.Tracer != nil {
		var ended func(string)
		ctx, ended = h.o.Tracer.Event(ctx, m.kind)
		defer func() { ended(outcomeOf(err)) }()
	}
	address, start := h.address(c.Namespace()), h.o.Now()
	done, err := h.wait(ctx, address, partyOf(c), m.size)
	if err == nil {
		defer done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.o.Events.Timeout)
		defer cancel()
		err = h.exchange(ctx, address, c, m)
	}
	h.count("event", address, start, err)
	return err
}

// partyOf returns who shares places with a client: its user, or the anonymous clients of its
// address.
func partyOf(c *socketio.Conn) string {
	if user := c.Identity().RoomUser(); user != "" {
		return "user:" + user
	}
	from, _ := netip.ParseAddr(c.Handshake().Address)
	return addressParty(from)
}

// wait takes places among the requests to a URL. An event of a client that has left waits as long as
// a request may take, others as long as necessary: their client is held back meanwhile.
func (h *EventHook) wait(
	ctx context.Context, address, party string, size int,
) (done func(), err error) {
	places := h.events[address]
	if done, err = places.take(ctx, party, size); err == nil {
		return done, nil
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.o.Events.Timeout)
	defer cancel()
	if done, err = places.take(late, party, size); err == nil {
		return done, nil
	}
	return nil, failed("busy", "%d requests run, and the client has left", h.o.Events.Concurrency)
}

// exchange posts an event and applies the answer.
func (h *EventHook) exchange(
	ctx context.Context, address string, c *socketio.Conn, m message,
) error {
	text, err := h.post(ctx, m.kind, address, m.data)
	if err != nil {
		return err
	}
	a, err := h.decodeAnswer(c, text)
	if err != nil {
		return err
	}
	if a.disconnect && !m.left {
		defer c.Close()
	}
	if len(a.emits) > 0 {
		if err := h.hub.Accepts(); err != nil {
			return failed("unavailable", "the events cannot be stored: %v", err)
		}
	}
	return h.apply(ctx, c, m, a)
}

// post posts data alone or in a batch and returns the answer. The error is a *Failure.
func (h *EventHook) post(
	ctx context.Context, kind, address string, data any,
) (strictjson.Checked, error) {
	if batches := h.batches[address]; batches != nil {
		return batches.post(ctx, kind, data)
	}
	r, err := h.request(ctx, kind, address, data, expected{max: maxAnswer})
	return r.text, err
}

// apply does what an answer says, in the order join, leave, emit, data, acknowledge.
func (h *EventHook) apply(
	ctx context.Context, c *socketio.Conn, m message, a answer,
) error {
	if m.left {
		a = answer{emits: a.emits}
	}
	c.Join(a.join...)
	c.Leave(a.leave...)
	if err := h.hub.DeliverBatch(ctx, a.emits); err != nil {
		return failed("unavailable", "the events cannot be stored: %v", err)
	}
	if a.data != nil {
		c.SetData(connData(a.data))
	}
	if a.hasAck && m.event != nil {
		m.event.AckSplit(a.ack)
	}
	return nil
}

// connData is the data of a connection, as the handler has set it: an object.
type connData json.RawMessage

// Size makes the Hub count the data in a kept session.
func (d connData) Size() int { return len(d) }

// MarshalJSON makes the next process have the data, too.
func (d connData) MarshalJSON() ([]byte, error) { return d, nil }

// dataOf returns the data of a connection.
func dataOf(c *socketio.Conn) json.RawMessage {
	switch data := c.Data().(type) {
	case connData:
		return json.RawMessage(data)
	case json.RawMessage: // from the process before this one
		return data
	}
	return json.RawMessage("{}")
}
