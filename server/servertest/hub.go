package servertest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

func NewHub(t testing.TB) *notify.Hub { return HubWith(t, func(*notify.Options) {}) }

// HubWith returns a hub with the default options changed.
func HubWith(t testing.TB, change func(*notify.Options)) *notify.Hub {
	t.Helper()
	options := notify.DefaultOptions()
	change(&options)
	hub := notify.New(notify.NewMemoryLog(), options)
	t.Cleanup(hub.Close)
	return hub
}

// Attach makes a member that is never read, which is what a lagging one is.
func Attach(t testing.TB, hub *notify.Hub, clientID, userID string, channels ...string) *notify.Member {
	t.Helper()
	m, err := hub.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Username: userID, Namespace: "/",
		Transport: "sse", Rooms: channels, Wake: func() {}, Disconnect: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	return m
}

// DownLog is a log whose store is away.
type DownLog struct{ notify.Log }

func (DownLog) Append(context.Context, []*notify.Message) error {
	return errors.Join(errors.New("dial tcp 10.0.0.7:6379: connection refused"), notify.ErrUnavailable)
}

func Publish(t testing.TB, base, body string) (*http.Response, string) {
	t.Helper()
	return Do(t, "POST", base+"/v1/notifications", body,
		"Authorization: Bearer "+Key, "Content-Type: application/json", "X-Request-ID: req-1")
}
