package library

import (
	"fmt"
	"slices"
	"testing"

	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// noNodes is the relay to a cluster without other nodes.
type noNodes struct{}

func (noNodes) Send(*notify.Message)          {}
func (noNodes) Receive(func(*notify.Message)) {}

// A room whose name looks like the id of a client is one room, although the Hub has two.
func TestRoomWithNameOfID(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) {
		o.Hub = servertest.HubWith(t, func(ho *notify.Options) { ho.Relay = noNodes{} })
	})
	const room = "JhLeOlGIEjaIOFHR0xdA"
	var seen notes
	adapter := s.io.Of("/", nil).Adapter()
	for _, event := range []string{"create-room", "join-room", "leave-room", "delete-room"} {
		_ = adapter.On(events.EventName(event), func(args ...any) {
			if args[0] == socket.Room(room) {
				seen.add(event)
			}
		})
	}
	s.onConnection(func(client *socket.Socket) {
		client.Join(room)
		seen.add(fmt.Sprint(client.Rooms().Has(room), client.Rooms().Len()))
		client.Leave(room)
		_ = client.Emit("done")
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Event("done", nil)
	want := []string{"create-room", "join-room", "true 3", "leave-room", "delete-room"}
	if got := seen.all(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
