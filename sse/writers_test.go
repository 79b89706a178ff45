package sse

import (
	"fmt"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// The shared writers write every message once and in order, to more streams than one of them takes
// at once.
func TestSharedWriters(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	srv := r.serve(t, taken)
	var clients []*client
	for i := range 256 {
		clients = append(clients, open(t, fmt.Sprintf("%s/sse?userId=u%d", srv.URL, i)))
	}
	var ids []string
	for range 100 {
		ids = append(ids, r.publish(t, notify.Notification{Type: "t"}, notify.ToAll()))
	}
	for _, c := range clients {
		for _, id := range ids {
			if e := c.want("t"); e.id != id {
				t.Fatalf("got %s, want %s", e.id, id)
			}
		}
	}
}
