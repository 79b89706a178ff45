package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// The server sends these events itself, in addition to the events of Go code.

type connectedEvent struct {
	Type             string `json:"type"`
	ClientID         string `json:"clientId"`
	SocketID         string `json:"socketId"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	Timestamp        string `json:"timestamp"`
	TotalConnections int    `json:"totalConnections"`
	Recovered        bool   `json:"recovered"`
}

type heartbeatEvent struct {
	Type             string `json:"type"`
	Timestamp        string `json:"timestamp"`
	TotalConnections int    `json:"totalConnections"`
}

type channelsEvent struct {
	Type      string   `json:"type"`
	Channels  []string `json:"channels"`
	Denied    []string `json:"denied,omitempty"`
	Timestamp string   `json:"timestamp"`
}

type roomEvent struct {
	Room      string `json:"room"`
	Timestamp string `json:"timestamp"`
}

type pongEvent struct {
	Timestamp string `json:"timestamp"`
	ClientID  string `json:"clientId"`
}

type errorEvent struct {
	Code       string  `json:"code"`
	Message    string  `json:"message"`
	Room       string  `json:"room,omitempty"`
	RetryAfter float64 `json:"retryAfter,omitempty"` // seconds
}

// builtins has the names of the events that builtinEvents answers.
var builtins = map[string]bool{
	"subscribe": true, "unsubscribe": true, "join-room": true, "leave-room": true,
	"send-message": true, "custom-event": true, "ping": true,
}

// roomEvents are those that a client sends for each of its rooms.
var roomEvents = map[string]bool{
	"subscribe": true, "unsubscribe": true, "join-room": true, "leave-room": true,
}

// builtinApp is the bit of the built-in events, which are mounted first.
const builtinApp = 1

// builtinEvents is the application that answers the events of the contract in "/". Each answer is
// an event and, when the client asked for one, the acknowledgement.
type builtinEvents struct{ srv *Server }

func (b builtinEvents) serves(namespace string) bool { return namespace == notify.RootNamespace }

func (builtinEvents) Connect(context.Context, *Conn) error { return nil }
func (builtinEvents) Disconnect(*Conn, string)             {}

func (b builtinEvents) Event(ctx context.Context, c *Conn, e *Event) bool {
	if !b.srv.opts.builtins() || !builtins[e.Name] {
		return false
	}
	var first json.RawMessage
	if len(e.raw) > 0 {
		first = e.raw[0]
	}
	call := builtinCall{ctx: ctx, conn: c, event: e}
	if len(e.parts) > 0 {
		call.refuse(errorEvent{
			Code: edge.CodeValidation, Message: e.Name + " takes no binary values",
		})
		return true
	}
	switch e.Name {
	case "subscribe", "unsubscribe":
		call.subscribe(first)
	case "join-room", "leave-room":
		call.room(first)
	case "send-message":
		call.message(first)
	case "custom-event":
		call.answer("custom-event-response", customResponse(first))
	case "ping":
		call.answer("pong", pongEvent{notify.Timestamp(time.Now()), c.ID()})
	}
	return true
}

// builtinCall is one built-in event of a client.
type builtinCall struct {
	ctx   context.Context
	conn  *Conn
	event *Event
}

func (b builtinCall) answer(name string, arg any) {
	b.conn.client.send(b.conn.eventReply(name, arg))
	b.event.Ack(arg)
}

func (b builtinCall) refuse(e errorEvent) {
	b.conn.client.srv.opts.Metrics.Refused(e.Code)
	b.conn.client.send(b.conn.eventReply("error", e))
	b.event.Ack(errorReply{Error: e})
}

func (b builtinCall) subscribe(arg json.RawMessage) {
	name := b.event.Name
	var request struct {
		Channels []rooms.Name `json:"channels"`
	}
	if len(arg) > 0 {
		if err := json.Unmarshal(arg, &request); err != nil {
			b.refuse(errorEvent{
				Code: edge.CodeValidation, Message: `expected {"channels": ["name", …]}`,
			})
			return
		}
	}
	channels, srv := rooms.Names(request.Channels), b.conn.client.srv
	if len(channels) > notify.MaxTargets {
		b.refuse(errorEvent{
			Code: edge.CodeValidation,
			Message: fmt.Sprintf("%d channels, expected at most %d", len(channels),
				notify.MaxTargets),
		})
		return
	}
	if len(channels) == 0 {
		channels = []string{"default"}
	}
	event := channelsEvent{Type: name + "d", Timestamp: notify.Timestamp(time.Now())}
	if name == "subscribe" {
		event.Channels, event.Denied = srv.hub.JoinChannels(b.conn.member, channels,
			b.conn.Identity().MayJoin, srv.opts.MaxRooms)
	} else {
		event.Channels = srv.hub.LeaveChannels(b.conn.member, channels)
	}
	if event.Channels == nil {
		event.Channels = []string{}
	}
	b.answer(event.Type, event)
}

func (b builtinCall) room(arg json.RawMessage) {
	var name rooms.Name
	if err := json.Unmarshal(arg, &name); err != nil {
		b.refuse(errorEvent{
			Code: edge.CodeValidation, Message: "expected the name of a room, a string",
		})
		return
	}
	room := string(name)
	hub, limit := b.conn.client.srv.hub, b.conn.client.srv.opts.MaxRooms
	mayJoin := b.conn.Identity().MayJoin
	if b.event.Name == "leave-room" {
		hub.LeaveChannels(b.conn.member, []string{room})
		b.answer("room-left", roomEvent{room, notify.Timestamp(time.Now())})
		return
	}
	var invalid *rooms.NameError
	if errors.As(rooms.CheckChannel("room", room), &invalid) && !invalid.Owned {
		b.refuse(errorEvent{Code: edge.CodeValidation, Message: invalid.Error()})
		return
	}
	_, denied := hub.JoinChannels(b.conn.member, []string{room}, mayJoin, limit)
	if len(denied) > 0 {
		e := errorEvent{
			Code: edge.CodeForbidden, Message: "this room may not be joined", Room: room,
		}
		if ok, _ := hub.Admissible([]string{room}, mayJoin, notify.NoLimit); len(ok) > 0 {
			e.Code, e.Message = "room_limit", "too many rooms"
		}
		b.refuse(e)
		return
	}
	b.answer("room-joined", roomEvent{room, notify.Timestamp(time.Now())})
}

// message sends a client's message to a channel, through the same log as all notifications.
func (b builtinCall) message(arg json.RawMessage) {
	var request struct {
		Room     rooms.Name      `json:"room"`
		Message  json.RawMessage `json:"message"`
		Metadata json.RawMessage `json:"metadata"`
		Retain   json.RawMessage `json:"retain"`
	}
	if err := json.Unmarshal(arg, &request); err != nil {
		b.refuse(errorEvent{
			Code: edge.CodeValidation, Message: "expected {room, message, metadata}",
		})
		return
	}
	if retain := string(request.Retain); retain != "" && retain != "false" && retain != "null" {
		b.refuse(errorEvent{
			Code: edge.CodeValidation, Message: "only a backend can retain a notification",
			Room: string(request.Room),
		})
		return
	}
	receipt, err := b.conn.client.srv.hub.Say(b.ctx, notify.ClientMessage{
		Room: string(request.Room), Message: request.Message, Metadata: request.Metadata,
		ClientID: b.conn.ID(), UserID: b.conn.Identity().UserID,
	}, b.conn.Identity().MayPublish)
	var refused *notify.SayError
	switch {
	case errors.As(err, &refused):
		b.refuse(errorEvent{Code: refused.Code, Message: refused.Reason, Room: string(request.Room)})
		return
	case errors.Is(err, notify.ErrOverloaded):
		b.refuse(errorEvent{
			Code: edge.CodeUnavailable, Message: "the server has too little memory",
			Room: string(request.Room), RetryAfter: edge.OverloadedRetry.Seconds(),
		})
		return
	case err != nil:
		b.refuse(errorEvent{
			Code: edge.CodeUnavailable, Message: "the message was not stored",
			Room: string(request.Room), RetryAfter: 1,
		})
		return
	}
	b.event.Ack(receipt)
}

// customResponse returns the client's object with a timestamp. Any other value becomes the field
// data of a new object.
func customResponse(arg json.RawMessage) map[string]json.RawMessage {
	var response map[string]json.RawMessage
	if err := json.Unmarshal(arg, &response); err != nil || response == nil {
		response = map[string]json.RawMessage{}
		if len(arg) > 0 {
			response["data"] = arg
		}
	}
	response["timestamp"] = json.RawMessage(quote(notify.Timestamp(time.Now())))
	return response
}
