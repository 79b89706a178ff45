package sse

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// `as` renames notifications only. Emits, bare messages and control events keep their names, except
// control events on a route whose default is `as`.
func TestAs(t *testing.T) { bothWays(t, testAs) }

func testAs(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	for _, c := range []struct{ target, notification, control string }{
		{"/sse", "order:new", ""},
		{"/sse?as=event", "event", ""},
		{"/sse?as=message", "message", ""},
		{"/sse?as=type", "order:new", ""},
		{"/sse?as=", "order:new", ""},
		{"/api/sse", "message", "message"},
		{"/api/sse?as=message", "message", "message"},
		{"/api/sse?as=type", "order:new", ""},
		{"/api/sse?as=event", "event", ""},
	} {
		t.Run(c.target, func(t *testing.T) {
			hub := r.hub
			cl := open(t, srv.URL+c.target, "Last-Event-ID", "nonsense")
			named := func(own, sent string) {
				t.Helper()
				e := cl.want(cmpOr(sent, own))
				if !strings.Contains(e.data, `"type":"`+own+`"`) {
					t.Errorf("%+v has no type %q", e, own)
				}
			}
			named("gap", c.control)
			named("recovery", c.control)
			r.publish(t, notify.Notification{Type: "order:new"}, notify.ToAll())
			named("order:new", c.notification)
			r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "chat",
				Args: raw(`["hi"]`)})
			cl.want("chat")
			r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "connection-update",
				Data: raw(`{"type":"new-connection"}`), Volatile: true, Bare: true})
			if e := cl.want("connection-update"); e.data != `{"type":"new-connection"}` {
				t.Errorf("bare data %q", e.data)
			}
			hub.Member("/", cl.hello.ClientID).Disconnect("over")
			named("disconnected", c.control)
			cl.wantEnd()
		})
	}
}

func TestAsDefault(t *testing.T) { bothWays(t, testAsDefault) }

func testAsDefault(t *testing.T, w way) {
	r := newRig(t, Options{As: "event"})
	srv := r.serve(t, w)
	for target, want := range map[string]string{
		"/sse": "event", "/sse?as=type": "t",
		"/sse?as=x": "x", "/api/sse": "message",
	} {
		c := open(t, srv.URL+target)
		r.publish(t, notify.Notification{Type: "t"}, notify.ToClient(c.hello.ClientID))
		c.want(want)
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
