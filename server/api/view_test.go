package api

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestConnectionView(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	hub := servertest.HubWith(t, func(o *notify.Options) { o.Now = func() time.Time { return at } })
	m := servertest.Attach(t, hub, "c1", "u1", "orders", "alerts")

	show := func() string {
		t.Helper()
		text, err := json.Marshal(viewOf(m))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const format = `{"clientId":"c1","transport":%q,"userId":"u1","username":"u1",` +
		`"rooms":["alerts","client:c1","orders","user:u1"],` +
		`"connectedAt":"2026-11-22T10:00:00.000Z","lastActive":"2026-11-22T10:00:00.000Z",` +
		`"queue":%d,"lag":%d}`
	if got, want := show(), fmt.Sprintf(format, "sse", 0, 0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	publish := func(times int) {
		t.Helper()
		for range times {
			if _, err := hub.Publish(context.Background(), notify.Notification{Type: "n"},
				notify.ToUser("u1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.SetTransport("websocket")
	publish(2)
	if got, want := show(), fmt.Sprintf(format, "websocket", 2, 0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	publish(98) // the queue is full, so the member has to read all 100 from history
	if got, want := show(), fmt.Sprintf(format, "websocket", 0, 100); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConnectionViewWithoutUser(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	view := viewOf(servertest.Attach(t, hub, "c1", ""))
	if view.UserID != "anonymous" || len(view.Rooms) != 1 || view.Rooms[0] != "client:c1" {
		t.Errorf("%+v", view)
	}
}
