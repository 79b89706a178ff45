package api

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// Asker emits events that Socket.IO clients acknowledge.
type Asker interface {
	// AskAll emits to the Socket.IO clients among the recipients and waits for their
	// acknowledgements until ctx ends. The error is a *notify.ValidationError.
	AskAll(ctx context.Context, e notify.Emission) (Acks, error)
}

// Acks are the acknowledgements of an emit.
type Acks struct {
	Acks     []Ack    `json:"acks"`
	Missing  []string `json:"missing"` // client ids
	TimedOut bool     `json:"timedOut"`
}

// Ack is the acknowledgement of one client. Args is an array, with {"$binary":"<base64>"} for a
// binary value.
type Ack struct {
	Client string          `json:"client"`
	Args   json.RawMessage `json:"args"`
}

const (
	defaultAckTimeout = 5 * time.Second
	maxAckTimeout     = 30 * time.Second
)

// emissions returns how POST /v1/emit publishes.
func (h *handler) emissions() publication[notify.Emission] {
	return publication[notify.Emission]{
		decode: decodeEmission, subjects: h.emissionSubjects,
		volatile: func(e notify.Emission) bool { return e.Volatile },
		one:      h.hub.Emit, batch: h.hub.EmitBatch,
	}
}

// emit serves POST /v1/emit: one event, or an array of them.
func (h *handler) emit(c *call) (any, error) {
	if c.value("wait") != "" {
		return h.ask(c)
	}
	if c.value("timeout") != "" {
		return nil, invalidField("timeout", "is the time to wait, expected together with wait=ack")
	}
	return publishBody(h, c, h.emissions())
}

// ask emits one event and waits for the acknowledgements.
func (h *handler) ask(c *call) (any, error) {
	timeout := defaultAckTimeout
	if text := c.value("timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 || d > maxAckTimeout {
			return nil, invalidField("timeout", "got "+quoteShort(text)+
				`, expected a duration up to "30s", such as "5s"`)
		}
		timeout = d
	}
	if c.json.Kind() == strictjson.None {
		return nil, invalidField("wait", "waits for one event, expected an object as the body")
	}
	e, err := decodeEmission(c.json, "")
	if err != nil {
		return nil, err
	}
	if err := h.emissions().permit(c, e, ""); err != nil {
		return nil, err
	}
	return h.once(c, func(ctx context.Context, answer *claim) (any, error) {
		c.release() // e is a copy: the memory of the body is for others while clients answer
		c.release = func() {}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := answer.hold(ctx, timeout); err != nil {
			return nil, err
		}
		acks, err := h.o.Asker.AskAll(ctx, e)
		if err != nil {
			return nil, err
		}
		return acks, nil
	})
}

// decodeEmission decodes one item of a request.
func decodeEmission(item strictjson.Checked, prefix string) (notify.Emission, error) {
	e, err := catalogue.DecodeEmission(item)
	if err == nil && len(e.Args) > notify.MaxArgs {
		return e, tooLarge(prefix+"args", len(e.Args), notify.MaxArgs)
	}
	var invalid *notify.ValidationError
	if errors.As(err, &invalid) && invalid.Field == "body" {
		return e, invalidField(strings.TrimSuffix(prefix, "."), invalid.Reason)
	}
	return e, asProblem(err, prefix)
}

// emissionSubjects returns what a key must cover: the target, or the room as "user:u1",
// "client:id" or "channel:room". Rooms of another namespace have it before their name, so that a
// key for a channel of "/" does not cover a room of the same name: "channel:/admin#room". All
// clients of a namespace are "channel:/admin#*".
func (h *handler) emissionSubjects(e notify.Emission) (field string, subjects []string) {
	root := e.Namespace == "" || e.Namespace == notify.RootNamespace
	if e.Room == "" && root {
		return "target", e.Target.Subjects()
	}
	hubRooms := []string{h.hub.RoomIn(e.Namespace, e.Room)}
	if field = "room"; e.Room == "" {
		field, hubRooms = "target", e.Target.RoomsIn(e.Namespace)
	}
	for _, room := range hubRooms {
		_, name := rooms.Split(room)
		if !rooms.IsChannel(name) && name != rooms.All { // a user or a client is the same everywhere
			subjects = append(subjects, name)
			continue
		}
		subjects = append(subjects, "channel:"+room)
	}
	return field, subjects
}

// emitRoute describes POST /v1/emit.
func (h *handler) emitRoute(c components) route {
	r := route{
		Method: "POST", Path: "/v1/emit", ID: "emit", Group: groupNotifications,
		Summary: "Emit an event with bare arguments, or up to " + itoa(notify.MaxBatch) + " of them",
		Doc: "It does what io.to(room).emit(event, ...args) does in a Node server: listeners of " +
			"Socket.IO get exactly args. An EventSource stream gets the one argument as data, or " +
			"the array of several. The server stores the event for replay, unless it is volatile.",
		Body: &requestBody{Object: c.emission, batch: true,
			Example: `{"room": "lobby", "event": "chat message", "args": ["hello", {"n": 1}]}`},
		Publishes: true, Reply: oneOf(receipts(c)...), Example: exampleReceipt, handle: h.emit,
	}
	if h.o.Asker == nil {
		return r
	}
	r.Doc += " With wait=ack the Socket.IO clients are asked for an acknowledgement; such an " +
		"event is not stored."
	r.Params = []param{{
		Name: "wait", In: "query", Enum: []string{"ack"},
		Doc: "wait for the acknowledgement of each Socket.IO client; one event only",
	}, {
		Name: "timeout", In: "query", Example: "5s",
		Doc: "how long to wait, up to 30s; the default is 5s. The reply has the acknowledgements " +
			"that arrived in time",
	}}
	r.Reply = oneOf(append(receipts(c), objectRef(c.acks))...)
	return r
}
