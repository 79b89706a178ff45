package sse

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest/clock"
)

// N10: somebody sets the clock of the machine while streams are open. No stream ends, except one
// whose token has ended by the new time.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Auth: newAuth(t, auth.Options{Secret: auth.Secret(testSecret)})})
	srv := r.serve(t, taken)
	open := func(life time.Duration) *stream {
		token := sign(t, jwt.MapClaims{"sub": "u1", "exp": time.Now().Add(life).Unix()})
		c := openWith(t, srv.Client(), srv.URL+"/sse?token="+token)
		return r.hub.Member("/", c.hello.ClientID).Owner().(*stream)
	}
	long, short := open(48*time.Hour), open(30*time.Minute)
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		now := clock.Jump(time.Now(), jump)
		r.Sweep(now, 5*time.Minute)
		for _, s := range []*stream{long, short} {
			if how := s.how.Load(); how != nil {
				t.Fatalf("after a jump of %v a stream ended: %+v", jump, *how)
			}
			if over := r.at(now).wall >= s.expires.Load(); over != (s == short && jump > 0) {
				t.Errorf("after a jump of %v the token of a stream has ended: %t", jump, over)
			}
		}
		if idle := r.at(now).mono - long.last.Load(); idle < 0 || idle > int64(time.Minute) {
			t.Errorf("after a jump of %v the last write is %v ago", jump, time.Duration(idle))
		}
	}
}
