package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
)

// Limits of an emit.
const (
	MaxArgs      = 1_000_000     // bytes of the arguments, as they are in the request
	MaxBinary    = 10            // binary values, the number that Socket.IO clients accept
	MaxEventName = rooms.MaxName // bytes
)

// Emission is an event with bare arguments, as io.to(room).emit(event, ...args) sends it. A
// listener of Socket.IO gets exactly the arguments. An EventSource stream gets the one argument as
// data, or the array of several.
type Emission struct {
	Namespace string // "" is "/"

	// Exactly one of Room and Target is set. Room is any room of the namespace, or the id of a
	// client. Target names users, channels or clients of the namespace; ToAll is all of them.
	Room   string
	Target Target

	Except []string // rooms of the namespace and client ids
	Event  string   // any name that Socket.IO does not reserve

	// Args is an array of any JSON, nil for no arguments. {"$binary":"<base64>"} in it is a binary
	// value: Socket.IO clients get an attachment, EventSource streams the base64 text.
	Args json.RawMessage

	Volatile bool // for members that keep up; neither stored nor replayed
}

// ReservedEvents are the events that Socket.IO clients and servers use themselves.
var ReservedEvents = []string{
	"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
}

// Emit sends an event with bare arguments through the log. The errors are those of Publish. The Hub
// keeps the slices: do not change them after the call.
func (h *Hub) Emit(ctx context.Context, e Emission) (Receipt, error) {
	m, err := h.Compose(e)
	if err != nil {
		return Receipt{}, err
	}
	return h.deliverWatched(ctx, m)
}

// EmitBatch sends up to MaxBatch emissions, as PublishBatch publishes notifications.
func (h *Hub) EmitBatch(ctx context.Context, items []Emission) ([]Result, error) {
	return deliverBatch(ctx, h, items, h.Compose)
}

// Compose validates an emission and returns its message, for Deliver. The error is a
// *ValidationError.
func (h *Hub) Compose(e Emission) (*Message, error) {
	to, err := h.Recipients(e)
	if err != nil {
		return nil, err
	}
	args, err := SplitBinary(e.Args)
	if err != nil {
		return nil, err
	}
	m := &Message{
		Namespace: cmp.Or(e.Namespace, RootNamespace), Rooms: to.Rooms, Except: to.Except, Type: e.Event,
		Volatile: e.Volatile, Args: args.Inline,
	}
	if len(args.Attachments) > 0 {
		m.BinaryArgs, m.Attachments = args.Placeholders, args.Attachments
	}
	return m, nil
}

// Recipients are hub rooms: a member of any of Rooms gets a message, unless it is in one of Except.
type Recipients struct{ Rooms, Except []string }

// Recipients validates everything in an emission except the arguments, and returns its recipients.
// The error is a *ValidationError.
func (h *Hub) Recipients(e Emission) (Recipients, error) {
	var r Recipients
	if err := rooms.CheckNamespace(e.Namespace); err != nil {
		return r, invalid(err)
	}
	if err := CheckEvent(e.Event); err != nil {
		return r, err
	}
	switch {
	case (e.Room == "") == e.Target.IsZero():
		return r, &ValidationError{"room", "expected exactly one of room and target"}
	case e.Room != "":
		if err := checkRoom("room", e.Room); err != nil {
			return r, err
		}
		r.Rooms = []string{h.RoomIn(e.Namespace, e.Room)}
	default:
		if err := e.Target.Validate(); err != nil {
			return r, err
		}
		r.Rooms = e.Target.RoomsIn(e.Namespace)
	}
	if len(e.Except) > MaxTargets {
		return r, refuse("except", "has %d names, expected at most %d", len(e.Except), MaxTargets)
	}
	for i, name := range e.Except {
		if err := checkRoom(fmt.Sprintf("except[%d]", i), name); err != nil {
			return r, err
		}
		r.Except = append(r.Except, h.RoomIn(e.Namespace, name))
	}
	r.Except = distinct(r.Except)
	return r, nil
}

// RoomIn returns the hub room to which a message for a room of a namespace goes. The id of a client,
// connected or of a kept session, is the room of that client. In a cluster a name with the form of an
// id is the id of a client of any node. See PlacesIn for members.
func (h *Hub) RoomIn(namespace, name string) string {
	h.mu.Lock()
	if h.isClientID(name) {
		name = rooms.Client(name)
	}
	h.mu.Unlock()
	return rooms.In(namespace, name)
}

// PlacesIn returns the hub rooms that a member joins or leaves when the server puts it into rooms of a
// namespace, or takes it out of them. In a cluster a name with the form of a client id, of which
// nobody knows whether it is one, has two: messages to the room go to one of them, those to the
// channel to the other.
func (h *Hub) PlacesIn(namespace string, names ...string) []string {
	hubRooms := make([]string, 0, len(names))
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		isKnown, mayBe := h.ids[name] > 0, h.mayBeElsewhere(name)
		if !isKnown {
			hubRooms = append(hubRooms, rooms.In(namespace, name))
		}
		if isKnown || mayBe {
			hubRooms = append(hubRooms, rooms.In(namespace, rooms.Client(name)))
		}
	}
	return hubRooms
}

// CheckEvent refuses an event that Socket.IO reserves, and a name that is empty, too long or not
// text. The error is a *ValidationError.
func CheckEvent(name string) error {
	switch {
	case name == "" || len(name) > MaxEventName:
		return refuse("event", "is %d bytes long, expected 1 to %d", len(name), MaxEventName)
	case !utf8.ValidString(name):
		return refuse("event", "is not valid UTF-8")
	case slices.Contains(ReservedEvents, name):
		return refuse("event", "%q is reserved by Socket.IO", strictjson.Shorten(name))
	}
	return nil
}

// checkRoom checks the name of a room that a backend chooses. Unlike a channel it may be any text,
// because code that runs in the server may use any text.
func checkRoom(field, name string) error {
	switch {
	case name == "" || len(name) > rooms.MaxName:
		return refuse(field, "is %d bytes long, expected 1 to %d", len(name), rooms.MaxName)
	case !utf8.ValidString(name):
		return refuse(field, "is not valid UTF-8")
	case name == rooms.All:
		return refuse(field, `"*" means everyone, expected a room, or the target {"all":true}`)
	}
	return nil
}
