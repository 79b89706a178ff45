package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// ClientMessage is what a client says to the members of a channel.
type ClientMessage struct {
	Room     string
	Message  json.RawMessage // any JSON; nil is null
	Metadata json.RawMessage // any JSON, or nil
	ClientID string          // of the connection that says it
	UserID   string          // as others see it
}

// SayError is a client's message that was refused; nothing was sent. Code is "validation", "forbidden" or
// "payload_too_large", Reason is made for the client.
type SayError struct{ Code, Reason string }

// Error returns the reason.
func (e *SayError) Error() string { return e.Reason }

// said is the event that comes of a ClientMessage, on every transport.
type said struct {
	Type      string          `json:"type"`
	Room      string          `json:"room"`
	Message   json.RawMessage `json:"message"`
	From      speaker         `json:"from"`
	Timestamp string          `json:"timestamp"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

type speaker struct {
	ClientID string `json:"clientId"`
	UserID   string `json:"userId"`
}

// Say sends a client's message to the members of its room as the event `message`, through the same log as every
// notification. mayPublish is asked about the room. Message and metadata may have MaxData bytes together. The error is
// a *SayError, or wraps ErrUnavailable.
func (h *Hub) Say(ctx context.Context, m ClientMessage, mayPublish func(channel string) bool) (Receipt, error) {
	if err := rooms.CheckChannel("room", m.Room); err != nil {
		return Receipt{}, &SayError{"forbidden", err.Error()}
	}
	if !mayPublish(m.Room) || h.IsClientID(m.Room) {
		return Receipt{}, &SayError{"forbidden", "this room may not be written to"}
	}
	if size := len(m.Message) + len(m.Metadata); size > MaxData {
		return Receipt{}, &SayError{"payload_too_large", fmt.Sprintf("%d bytes, expected at most %d", size, MaxData)}
	}
	if m.Message == nil {
		m.Message = json.RawMessage("null")
	}
	now := h.o.Now()
	var args bytes.Buffer
	e := json.NewEncoder(&args)
	e.SetEscapeHTML(false) // what a client sends is not made longer than it was
	if err := e.Encode([]said{{
		Type: "message", Room: m.Room, Message: m.Message, Metadata: m.Metadata,
		From: speaker{m.ClientID, m.UserID}, Timestamp: now.UTC().Format(TimestampFormat),
	}}); err != nil {
		return Receipt{}, &SayError{"validation", "message is not valid JSON"}
	}
	return h.Deliver(ctx, &Message{
		Namespace: "/", Rooms: []string{m.Room}, Type: "message", Args: bytes.TrimSuffix(args.Bytes(), []byte{'\n'}),
		Timestamp: now.UTC().Truncate(time.Millisecond),
	})
}
