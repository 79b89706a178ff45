package socketio

import (
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/clock"
)

// N10: somebody sets the clock of the machine while clients are connected. Nobody loses the
// connection, also a client whose attachment is on its way, except a client whose token has ended by
// the new time.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		withTokens(t)(o)
		o.SweepInterval = time.Hour // the test sweeps
	})
	token := func(life time.Duration) string {
		return servertest.SignHS256(t, servertest.Secret,
			map[string]any{"sub": "u1", "exp": time.Now().Add(life).Unix()})
	}
	long, _ := s.Connect(`{"token":"` + token(48*time.Hour) + `"}`)
	long.Send(`451-["x",{"_placeholder":true,"num":0}]`)
	servertest.Eventually(t, "the packet waits for its attachment", func() bool {
		return s.sio.clients.all()[0].assembling.waiting.Load() != nil
	})
	short, _ := s.Connect(`{"token":"` + token(30*time.Minute) + `"}`)
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		for _, c := range s.sio.clients.all() {
			c.sweep(clock.Jump(time.Now(), jump), true)
		}
	}
	before := short.Closed()
	if len(before) == 0 || !strings.HasPrefix(before[len(before)-1], `42["auth:expired"`) {
		t.Errorf("the client whose token has ended got %q", before)
	}
	long.SendBinary([]byte("attachment"))
	long.Sync()
}
