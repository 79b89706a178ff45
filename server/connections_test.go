package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestConnectionsAreLoggedForDebugging(t *testing.T) {
	logged, logs := observer.New(zap.DebugLevel)
	log := zap.New(logged)
	secret := []byte(servertest.Key)
	authenticator, err := auth.New(auth.Options{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan struct{})
	s := newServiceStack(t, func(o *socketio.Options) {
		o.Auth, o.Log = authenticator, log
		o.Hub.OnDetach(func(*notify.Member) { close(left) })
	})
	c, connected := s.Connect(`{"token":"` + token + `"}`)
	c.Conn.Close()
	<-left
	// The line of the transport is written by another goroutine than that of the member.
	servertest.Eventually(t, "the end of the transport is logged", func() bool { return logs.FilterMessage("connection closed").Len() == 1 })
	servertest.Eventually(t, "the end of the member is logged", func() bool { return logs.FilterMessage("disconnected").Len() == 1 })
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
