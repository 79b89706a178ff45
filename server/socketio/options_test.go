package socketio

import (
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// New refuses invalid options and names them.
func TestInvalidOptions(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	users, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		t.Fatal(err)
	}
	const hint = ": start from DefaultOptions()"
	for want, change := range map[string]func(*Options){
		"Hub and Options.Auth must be given": func(o *Options) { o.Hub = nil },

		"PingInterval is 0s, expected more than 0" + hint: func(o *Options) {
			o.PingInterval = 0
		},
		"PingTimeout is -1ns, expected more than 0" + hint: func(o *Options) {
			o.PingTimeout = -1
		},
		"ConnectTimeout is 0s, expected more than 0" + hint: func(o *Options) {
			o.ConnectTimeout = 0
		},
		"SweepInterval is 0s, expected more than 0" + hint: func(o *Options) {
			o.SweepInterval = 0
		},
		"MaxPayload is 0, RateBurst is 20, MaxNamespaces is 100 and MaxValues is 4096, " +
			"expected at least 1" + hint: func(o *Options) {
			o.MaxPayload = 0
		},
	} {
		o := DefaultOptions()
		o.Hub, o.Auth = hub, users
		change(&o)
		want = "socketio: Options." + want
		if _, err := New(o); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
