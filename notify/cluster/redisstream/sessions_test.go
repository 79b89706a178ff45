package redisstream

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/logtest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func TestSharedSessions(t *testing.T) {
	t.Parallel()
	logtest.TestSharedSessions(t, func(t *testing.T) (one, other notify.SharedSessions) {
		s, c := startUnhurried(t)
		o := unhurried(options(s.URLOf("roomcast", "node-password")))
		return c.Sessions(), dial(t, o).Sessions()
	})
}

// Keys of Node's adapter are in all slots.
func TestSharedSessionsOfRedisCluster(t *testing.T) {
	t.Parallel()
	logtest.TestSharedSessions(t, func(t *testing.T) (one, other notify.SharedSessions) {
		nodes := redistest.StartCluster(t, 3)
		o := unhurried(options(nodes[0].URL() + "?cluster=true"))
		return dial(t, o).Sessions(), dial(t, o).Sessions()
	})
}

// What is stored is what Node's adapter stores, with a field that it ignores.
func TestSessionOfARoomcastNode(t *testing.T) {
	t.Parallel()
	server, c := start(t)
	cursor, _ := notify.StreamID(1764201600000, 3)
	s := notify.Session{Key: notify.PIDKey("p1"), UserID: "u", ClientID: "Dq4zJd3bG0wq1Z6pAAAB",
		Namespace: "/", Channels: []string{"orders"}, Granted: []string{"client:eq4zJd3bG0wq1Z6pAAAB"},
		Cursor: cursor, Data: json.RawMessage(`{"a":1}`),
		Owner: &notify.Owner{Node: "7263a1b2c3d4e5f6", Term: 1}}
	tab := s
	tab.Key = notify.TabKey("u", "t")
	err := c.Sessions().Save(t.Context(), []notify.Session{s, tab}, nil, 300*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	keys := fmt.Sprint(server.Do(t, "KEYS", "*"))
	if !strings.Contains(keys, "sio:session:p1") ||
		!strings.Contains(keys, "roomcast:{socket.io}:tab:"+digest(tab.Key)) {
		t.Errorf("keys %s", keys)
	}
	got, err := nodewire.DecodeSession(server.Do(t, "GET", "sio:session:p1").(string))
	if err != nil {
		t.Fatal(err)
	}
	at := got.Own.At
	want := nodewire.Session{SID: s.ClientID, PID: "p1",
		Rooms: []string{s.ClientID, "user:u", "orders", "eq4zJd3bG0wq1Z6pAAAB"},
		Data:  nodewire.Value{JSON: json.RawMessage(`{"a":1}`)},
		Own: &nodewire.Own{UserID: "u", Namespace: "/", Granted: s.Granted, Cursor: cursor, At: at,
			Node: s.Owner.Node, Term: 1, Void: noVoid}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v %+v\nwant %+v %+v", got, got.Own, want, want.Own)
	}
	if age := time.Since(at); age < -time.Minute || age > time.Hour {
		t.Errorf("written %v ago", age)
	}
	if ttl := server.Do(t, "PTTL", "sio:session:p1").(int64); ttl <= 0 || ttl > 300_000 {
		t.Errorf("expires in %d ms", ttl)
	}
}

// A session of Node has rooms, and neither a user nor a namespace.
func TestSessionOfANodeServer(t *testing.T) {
	t.Parallel()
	server, c := start(t)
	put := func(s nodewire.Session) {
		t.Helper()
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		server.Do(t, "SET", "sio:session:"+s.PID, text)
	}
	put(nodewire.Session{SID: "Dq4zJd3bG0wq1Z6pAAAB", PID: "p", Rooms: []string{"orders", "Dq4zJd3bG0wq1Z6pAAAB",
		"user:root"}, Data: nodewire.Value{JSON: json.RawMessage(`{"name":"x"}`)}})
	expect := func(key string, want notify.Session) {
		t.Helper()
		want.Key, want.Foreign = notify.PIDKey(key), true
		if got, err := c.Sessions().Load(t.Context(), want.Key); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	expect("p", notify.Session{ClientID: "Dq4zJd3bG0wq1Z6pAAAB", Channels: []string{"orders", "user:root"},
		Data: json.RawMessage(`{"name":"x"}`)})
	put(nodewire.Session{SID: "s", PID: "binary", Data: nodewire.Value{
		JSON: json.RawMessage(`{"b":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{1}}}})
	expect("binary", notify.Session{ClientID: "s"})
}

// A damaged record is no session, and a call without a server has an error.
func TestUnusableSessions(t *testing.T) {
	t.Parallel()
	server, c := start(t)
	server.Do(t, "SET", "sio:session:p", "!")
	if _, err := c.Sessions().Load(t.Context(), notify.PIDKey("p")); err != notify.ErrNoSession {
		t.Errorf("a damaged record: %v", err)
	}
	server.Kill()
	if _, err := c.Sessions().Load(t.Context(), notify.PIDKey("p")); err == nil || err == notify.ErrNoSession {
		t.Errorf("without a server: %v", err)
	}
}
