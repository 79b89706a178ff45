package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// The events that clients of this server know, beside those of Go code.

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

// errorReply is an acknowledgement that tells of an error.
type errorReply struct {
	Error any `json:"error"`
}

// builtins are the events that builtin answers. What they pass on is JSON.
var builtins = map[string]bool{
	"subscribe": true, "unsubscribe": true, "join-room": true, "leave-room": true,
	"send-message": true, "custom-event": true, "ping": true,
}

// builtin answers an event of the contract. Each answer is an event and, when
// the client asked for one, the acknowledgement. It reports whether the event is
// one of ours.
func (p *peer) builtin(packet *packet, reply answer) bool {
	if p.namespace != notify.RootNamespace || p.link.srv.opts.Plain {
		return false
	}
	var first json.RawMessage
	if len(packet.args) > 0 {
		first = packet.args[0]
	}
	answer := func(name string, arg any) {
		p.link.send(p.eventReply(name, arg))
		reply(arg)
	}
	refuse := func(e errorEvent) {
		p.link.srv.opts.Metrics.Refused(e.Code)
		p.link.send(p.eventReply("error", e))
		reply(errorReply{Error: e})
	}
	if len(packet.parts) > 0 && builtins[packet.name] {
		refuse(errorEvent{Code: edge.CodeValidation, Message: packet.name + " takes no binary values"})
		return true
	}
	switch packet.name {
	case "subscribe", "unsubscribe":
		p.subscribe(packet.name, first, answer, refuse)
	case "join-room", "leave-room":
		p.room(packet.name, first, answer, refuse)
	case "send-message":
		p.message(first, reply, refuse)
	case "custom-event":
		answer("custom-event-response", customResponse(first))
	case "ping":
		answer("pong", pongEvent{notify.Timestamp(time.Now()), p.member.ClientID()})
	default:
		return false
	}
	return true
}

func (p *peer) subscribe(name string, arg json.RawMessage, answer func(string, any), refuse func(errorEvent)) {
	var request struct {
		Channels []string `json:"channels"`
	}
	if len(arg) > 0 {
		if err := json.Unmarshal(arg, &request); err != nil {
			refuse(errorEvent{Code: edge.CodeValidation, Message: `expected {"channels": ["name", …]}`})
			return
		}
	}
	channels, hub := request.Channels, p.link.srv.hub
	if len(channels) > notify.MaxTargets {
		refuse(errorEvent{Code: edge.CodeValidation, Message: fmt.Sprintf("%d channels, expected at most %d", len(channels), notify.MaxTargets)})
		return
	}
	if len(channels) == 0 {
		channels = []string{"default"}
	}
	event := channelsEvent{Type: name + "d", Timestamp: notify.Timestamp(time.Now())}
	if name == "subscribe" {
		event.Channels, event.Denied = hub.JoinChannels(p.member, channels, p.who().MayJoin, p.link.srv.opts.MaxRooms)
	} else {
		event.Channels = hub.LeaveChannels(p.member, channels)
	}
	if event.Channels == nil {
		event.Channels = []string{}
	}
	answer(event.Type, event)
}

func (p *peer) room(name string, arg json.RawMessage, answer func(string, any), refuse func(errorEvent)) {
	var room string
	if err := json.Unmarshal(arg, &room); err != nil {
		refuse(errorEvent{Code: edge.CodeValidation, Message: "expected the name of a room, a string"})
		return
	}
	hub, limit := p.link.srv.hub, p.link.srv.opts.MaxRooms
	if name == "leave-room" {
		hub.LeaveChannels(p.member, []string{room})
		answer("room-left", roomEvent{room, notify.Timestamp(time.Now())})
		return
	}
	if _, denied := hub.JoinChannels(p.member, []string{room}, p.who().MayJoin, limit); len(denied) > 0 {
		e := errorEvent{Code: edge.CodeForbidden, Message: "this room may not be joined", Room: room}
		if ok, _ := hub.Admissible([]string{room}, p.who().MayJoin, limit); len(ok) > 0 {
			e.Code, e.Message = "room_limit", "too many rooms"
		}
		refuse(e)
		return
	}
	answer("room-joined", roomEvent{room, notify.Timestamp(time.Now())})
}

// message sends a client's message to a channel, through the same log as every
// notification.
func (p *peer) message(arg json.RawMessage, reply answer, refuse func(errorEvent)) {
	var request struct {
		Room     string          `json:"room"`
		Message  json.RawMessage `json:"message"`
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(arg, &request); err != nil {
		refuse(errorEvent{Code: edge.CodeValidation, Message: "expected {room, message, metadata}"})
		return
	}
	receipt, err := p.link.srv.hub.Say(p.link.session.Context(), notify.ClientMessage{
		Room: request.Room, Message: request.Message, Metadata: request.Metadata,
		ClientID: p.member.ClientID(), UserID: p.identity.UserID,
	}, p.who().MayPublish)
	var refused *notify.SayError
	switch {
	case errors.As(err, &refused):
		refuse(errorEvent{Code: refused.Code, Message: refused.Reason, Room: request.Room})
		return
	case err != nil:
		refuse(errorEvent{Code: edge.CodeUnavailable, Message: "the message was not stored", Room: request.Room, RetryAfter: 1})
		return
	}
	reply(receipt)
}

// customResponse is the client's object with a timestamp; anything else stands
// under data.
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
