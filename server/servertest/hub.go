package servertest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// NewHub returns a hub with the default options. The test closes it.
func NewHub(t testing.TB) *notify.Hub { return HubWith(t, func(*notify.Options) {}) }

// HubWith is NewHub with changed options. Unless change sets HistoryMinAge, HistorySize removes
// messages at once.
func HubWith(t testing.TB, change func(*notify.Options)) *notify.Hub {
	t.Helper()
	options := notify.DefaultOptions()
	options.HistoryMinAge = 0
	change(&options)
	hub := notify.New(notify.NewMemoryLog(), options)
	t.Cleanup(hub.Close)
	return hub
}

// Attach attaches a member that has no writer. Its messages stay in its queue, and it lags when the
// queue is full. The member detaches when the test ends.
func Attach(t testing.TB, hub *notify.Hub, clientID, userID string, channels ...string) *notify.Member {
	t.Helper()
	m, err := hub.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Username: userID, Namespace: "/",
		Transport: "sse", Rooms: channels, Wake: func(int) {}, Disconnect: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Detach)
	return m
}

// DownLog is a log whose store is unavailable.
type DownLog struct{ notify.Log }

// Append returns the error of a store that refuses connections.
func (DownLog) Append(context.Context, []*notify.Message) error {
	return errors.Join(errors.New("dial tcp 10.0.0.7:6379: connection refused"), notify.ErrUnavailable)
}

// Publish sends body to POST /v1/notifications of the server at base, with Key.
func Publish(t testing.TB, base, body string) (*http.Response, string) {
	t.Helper()
	return Do(t, "POST", base+"/v1/notifications", body,
		"Authorization: Bearer "+Key, "Content-Type: application/json", "X-Request-ID: req-1")
}
