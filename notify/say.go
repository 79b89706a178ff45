package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// ClientMessage is a message of a client to the members of a channel.
type ClientMessage struct {
	Room     string
	Message  json.RawMessage // any JSON; nil is null
	Metadata json.RawMessage // any JSON, or nil
	ClientID string          // the sender's connection
	UserID   string          // the sender's user id, as the members see it
}

// SayError is the error for a client's message that the Hub rejects. Code is "validation",
// "forbidden" or "payload_too_large". Reason is for the client.
type SayError struct{ Code, Reason string }

// Error returns the reason.
func (e *SayError) Error() string { return e.Reason }

// messageEvent is the event that members get for a ClientMessage, on every transport.
type messageEvent struct {
	Type      string          `json:"type"`
	Room      string          `json:"room"`
	Message   json.RawMessage `json:"message"`
	From      sender          `json:"from"`
	Timestamp string          `json:"timestamp"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
}

type sender struct {
	ClientID string `json:"clientId"`
	UserID   string `json:"userId"`
}

// Say sends a client's message to the members of its room, as the event `message`, through the log.
// mayPublish reports whether the client may publish to the room. Message and Metadata together have
// at most MaxData bytes. The error is a *SayError, or wraps ErrUnavailable.
func (h *Hub) Say(
	ctx context.Context, m ClientMessage, mayPublish func(channel string) bool,
) (Receipt, error) {
	var refused *rooms.NameError
	if errors.As(rooms.CheckChannel("room", m.Room), &refused) {
		code := "validation"
		if refused.Owned {
			code = "forbidden"
		}
		return Receipt{}, &SayError{code, refused.Error()}
	}
	if !mayPublish(m.Room) || h.IsClientID(m.Room) {
		return Receipt{}, &SayError{"forbidden", "you may not publish to this room"}
	}
	if size := len(m.Message) + len(m.Metadata); size > MaxData {
		reason := fmt.Sprintf("%d bytes, expected at most %d", size, MaxData)
		return Receipt{}, &SayError{"payload_too_large", reason}
	}
	if m.Message == nil {
		m.Message = json.RawMessage("null")
	}
	now := h.o.Now()
	var args bytes.Buffer
	e := json.NewEncoder(&args)
	e.SetEscapeHTML(false) // escapes would make the client's message longer
	if err := e.Encode([]messageEvent{{
		Type: "message", Room: m.Room, Message: m.Message, Metadata: m.Metadata,
		From: sender{m.ClientID, m.UserID}, Timestamp: now.UTC().Format(TimestampFormat),
	}}); err != nil {
		return Receipt{}, &SayError{"validation", "message is not valid JSON"}
	}
	return h.Deliver(ctx, &Message{
		Namespace: "/", Rooms: []string{m.Room}, Type: "message",
		Args:      bytes.TrimSuffix(args.Bytes(), []byte{'\n'}),
		Timestamp: now.UTC().Truncate(time.Millisecond),
	})
}
