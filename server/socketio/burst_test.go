package socketio

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// A burst that is longer than the history of a room reaches every connected client completely and
// in order, on every transport.
func TestBurstReachesConnectedClients(t *testing.T) {
	t.Parallel()
	const burst = 1000
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) {
			o.HistorySize, o.HistoryMinAge = 10, servertest.Patience
		})
	})
	s.sio.Of("/").On("emit", func(_ context.Context, c *Conn, _ *Event) error {
		for i := range burst {
			if _, err := s.sio.To("user:u1").Emit("n", map[string]int{"data": i}); err != nil {
				return err
			}
		}
		return nil
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	_, lines := s.Stream(url.Values{"userId": {"u1"}}, nil)
	servertest.Eventually(t, "the stream is open", func() bool { return s.Hub.Total() == 2 })
	expect := func(what string) {
		t.Helper()
		for i := range burst {
			var n struct{ Data int }
			if c.Event("n", &n); n.Data != i {
				t.Fatalf("%s: the socket gets %d, want %d", what, n.Data, i)
			}
		}
		for next := 0; next < burst && lines.Scan(); {
			line := lines.Text()
			if strings.HasPrefix(line, "event: gap") {
				t.Fatalf("%s: the stream gets a gap at %d", what, next)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(data, `"data":`) {
				if !strings.Contains(data, `"data":`+strconv.Itoa(next)) {
					t.Fatalf("%s: the stream gets %s, want %d", what, data, next)
				}
				next++
			}
		}
	}
	var items []string
	for i := range burst {
		items = append(items, `{"target":{"user":"u1"},"type":"n","data":`+strconv.Itoa(i)+`}`)
	}
	res, body := servertest.Publish(t, "http://"+s.Base, "["+strings.Join(items, ",")+"]")
	var results []struct{ Stored bool }
	if err := json.Unmarshal([]byte(body), &results); err != nil {
		t.Fatalf("%d %.200s: %v", res.StatusCode, body, err)
	}
	for i, r := range results {
		if !r.Stored {
			t.Errorf("item %d is not stored", i)
		}
	}
	expect("a batch")
	c.Send(`42["emit"]`)
	expect("a handler that emits in a loop")
}
