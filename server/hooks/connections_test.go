package hooks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func withConnections(o *Options) { o.Events.Connections = true }

// The handler learns of a connection before the client's first event and of its end after the last
// one, and what it answers is done then.
func TestConnectionsArePosted(t *testing.T) {
	t.Parallel()
	s := newStack(t, withConnections)
	s.app.says(`{}`)
	b, _ := s.Connect(`{"userId":"u2"}`)
	requests := make(chan received, 10)
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- r
		w.Header().Set("Content-Type", "application/json")
		switch r.Type {
		case "connection":
			fmt.Fprint(w, `{"join":["lobby"],"data":{"seat":7},"ack":["nobody waits"],"emit":[
				{"room":"@self","event":"welcome"},{"room":"@others","event":"came"}]}`)
		case "disconnect":
			fmt.Fprint(w, `{"join":["late"],"data":{"seat":8},"disconnect":true,
				"emit":[{"room":"@others","event":"left"}]}`)
		default:
			fmt.Fprint(w, `{"ack":["ok"]}`)
		}
	})
	a := s.Dial("&room=blue&room=green")
	a.Send(`40{"userId":"u1","token":"secret","theme":"dark"}`)
	if got := a.Read(); !strings.HasPrefix(got, `40{"sid":`) {
		t.Fatalf("got %s, want the answer to CONNECT", got)
	}
	if got := a.Read(); !strings.HasPrefix(got, `42["connected",`) {
		t.Fatalf("got %s", got)
	}
	if got := a.Read(); !strings.HasPrefix(got, `42["welcome","`) {
		t.Errorf("got %s", got)
	}
	if got := b.Read(); !strings.HasPrefix(got, `42["came","`) {
		t.Errorf("the other got %s", got)
	}
	r := servertest.Receive(t, requests)
	if r.Type != "connection" || r.Data.Connection.UserID != "u1" || r.Data.Recovered ||
		!strings.Contains(string(r.Data.Handshake.Auth), `"theme":"dark"`) ||
		strings.Contains(string(r.Data.Handshake.Auth), "secret") ||
		!strings.Contains(string(r.Data.Handshake.Query), `"room":"green"`) ||
		!strings.Contains(string(r.Data.Handshake.Headers), `"host":"127.0.0.1`) ||
		r.Data.Handshake.Address != "127.0.0.1" {
		t.Errorf("request %+v", r)
	}
	a.Send(`421["x"]`)
	if got := a.Read(); got != `431["ok"]` {
		t.Errorf("got %s", got)
	}
	r = servertest.Receive(t, requests)
	if r.Type != "event" || string(r.Data.Connection.Data) != `{"seat":7}` ||
		!slices.Contains(r.Data.Connection.Rooms, "lobby") {
		t.Errorf("request %+v", r)
	}
	a.Send("41")
	r = servertest.Receive(t, requests)
	if r.Type != "disconnect" || r.Data.Reason != "client namespace disconnect" ||
		string(r.Data.Connection.Data) != `{"seat":7}` ||
		!slices.Contains(r.Data.Connection.Rooms, "lobby") {
		t.Errorf("request %+v", r)
	}
	if got := b.Read(); !strings.HasPrefix(got, `42["left","`) {
		t.Errorf("the other got %s", got)
	}
}

// A handler that fails keeps no client out. An answer can end the connection.
func TestAnswersToConnections(t *testing.T) {
	t.Parallel()
	s := newStack(t, withConnections)
	s.app.answers(func(w http.ResponseWriter, _ received) { w.WriteHeader(http.StatusBadGateway) })
	s.Connect(`{"userId":"u1"}`)
	servertest.Eventually(t, "the failure is counted", func() bool {
		return s.app.counted("event status") == 1
	})
	s.app.says(`{"disconnect":true,"emit":[{"room":"@self","event":"sorry"}]}`)
	c, _ := s.Connect(`{"userId":"u2"}`)
	if got := c.Read(); !strings.HasPrefix(got, `42["sorry","`) {
		t.Errorf("got %s", got)
	}
	if got := c.Read(); got != "41" {
		t.Errorf("got %s, want a disconnect", got)
	}
}
