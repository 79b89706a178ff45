package library

import (
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestAs(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) { o.As = []string{"event", "notification"} })
	c, _ := s.Connect(`{"userId":"u1"}`)
	own, _ := s.Connect(`{"userId":"u1","as":["type","mine"]}`)
	r := s.Publish(`{"target":{"user":"u1"},"type":"payment:completed","data":1}`)
	for _, want := range []struct {
		c    *servertest.WebSocket
		name string
	}{{c, "event"}, {c, "notification"}, {own, "payment:completed"}, {own, "mine"}} {
		var n struct{ Type string }
		if id := want.c.Event(want.name, &n); id != r.ID || n.Type != "payment:completed" {
			t.Errorf("%s: %+v with id %s, want %s", want.name, n, id, r.ID)
		}
	}
	_ = s.io.Emit("plain", "not renamed")
	c.Event("plain", nil)
}
