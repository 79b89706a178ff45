package server

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

func newTestHub(t testing.TB) *notify.Hub {
	t.Helper()
	hub := notify.New(notify.NewMemoryLog(), notify.Options{})
	t.Cleanup(hub.Close)
	return hub
}

// attach makes a member that is never read, which is what a lagging one is.
func attach(t testing.TB, hub *notify.Hub, clientID, userID string, channels ...string) *notify.Member {
	t.Helper()
	m, err := hub.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Username: userID, Namespace: "/",
		Transport: "sse", Rooms: channels, Wake: func() {}, Disconnect: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	return m
}

// downLog is a log whose store is away.
type downLog struct{ notify.Log }

func (downLog) Append(context.Context, []*notify.Message) error {
	return errors.Join(errors.New("dial tcp 10.0.0.7:6379: connection refused"), notify.ErrUnavailable)
}

func publishTo(t testing.TB, base, body string) (*http.Response, string) {
	t.Helper()
	return do(t, "POST", base+"/v1/notifications", body,
		"Authorization: Bearer "+testKey, "Content-Type: application/json", "X-Request-ID: req-1")
}
