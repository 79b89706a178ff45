package server

import (
	"encoding/json"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// The console reads the mode before it shows a form for credentials.
func TestStatsHaveAuthMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []auth.Mode{auth.ModeOpen, auth.ModeTicket, auth.ModeToken} {
		o := auth.Options{Mode: mode, Tickets: auth.NewTickets(nil)}
		if mode == auth.ModeToken {
			o.Secret = []byte("0123456789abcdef0123456789abcdef")
		}
		authenticator, err := auth.New(o)
		if err != nil {
			t.Fatal(err)
		}
		s := newServiceStack(t, func(o *socketio.Options) { o.Auth = authenticator })
		res, text := servertest.Do(t, "GET", "http://"+s.Base+"/v1/stats", "",
			"X-API-Key: "+servertest.Key)
		var stats struct {
			Total    *int
			AuthMode auth.Mode
		}
		if err := json.Unmarshal([]byte(text), &stats); err != nil || res.StatusCode != 200 {
			t.Fatalf("%d %s (%v)", res.StatusCode, text, err)
		}
		if stats.AuthMode != mode || stats.Total == nil {
			t.Errorf("%s: %s", mode, text)
		}
	}
}
