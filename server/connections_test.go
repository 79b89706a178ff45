package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

func TestConnectionView(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	hub := hubWith(t, func(o *notify.Options) { o.Now = func() time.Time { return at } })
	s := NewService(ServiceOptions{Hub: hub})
	m := attach(t, hub, "c1", "u1", "orders", "alerts")

	show := func() string {
		t.Helper()
		text, err := json.Marshal(s.connection(m))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const format = `{"clientId":"c1","transport":%q,"userId":"u1","username":"u1",` +
		`"rooms":["alerts","client:c1","orders","user:u1"],` +
		`"connectedAt":"2026-11-22T10:00:00.000Z","lastActive":"2026-11-22T10:00:00.000Z","queue":%d,"lag":%d}`
	if got, want := show(), fmt.Sprintf(format, "sse", 0, 0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	publish := func(times int) {
		t.Helper()
		for range times {
			if _, err := hub.Publish(context.Background(), notify.Notification{Type: "n"}, notify.ToUser("u1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.SetTransport("websocket")
	publish(2)
	if got, want := show(), fmt.Sprintf(format, "websocket", 2, 0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	publish(98) // more than the inbox holds: it reads from history now, all 100 are before it
	if got, want := show(), fmt.Sprintf(format, "websocket", 0, 100); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConnectionsAreLoggedForDebugging(t *testing.T) {
	logged, logs := observer.New(zap.DebugLevel)
	log := zap.New(logged)
	secret := []byte(testKey)
	authenticator, err := auth.New(auth.Options{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan struct{})
	s := newStack(t, func(o *Options) {
		o.Auth, o.Log = authenticator, log
		o.Hub.OnDetach(func(*notify.Member) { close(left) })
	})
	c, connected := s.connect(`{"token":"` + token + `"}`)
	c.conn.Close()
	<-left
	text := fmt.Sprint(logs.All())
	for _, want := range []string{"connected", "disconnected", "connection closed", "transport close", "websocket", connected.ClientID, "u1"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing of %q in %s", want, text)
		}
	}
	if strings.Contains(text, token) || strings.Contains(text, token[len(token)-20:]) {
		t.Error("the log shows the token")
	}
}

func TestConnectionViewOfNobody(t *testing.T) {
	hub := newTestHub(t)
	s := NewService(ServiceOptions{Hub: hub})
	view := s.connection(attach(t, hub, "c1", ""))
	if view.UserID != "anonymous" || len(view.Rooms) != 1 || view.Rooms[0] != "client:c1" {
		t.Errorf("%+v", view)
	}
}
