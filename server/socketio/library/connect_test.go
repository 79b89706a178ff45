package library

import (
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// A token guess on an open connection counts as much as one on a new connection.
func TestRefusedConnectsEndTheConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	_ = s.io.Of("/admin", nil)
	c := s.Dial("")
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c.Join(`{"token":"` + token + `"}`)
	const tries = 200
	go func() {
		for range tries { // the server may close the connection first
			if c.Conn.WriteMessage(1, []byte(`40/admin,{"token":"guess"}`)) != nil {
				return
			}
		}
	}()
	tried := 0
	for ; tried < tries; tried++ {
		text, err := c.Next()
		if err != nil || !strings.Contains(text, `"invalid_token"`) {
			return // closed, or refused with a delay
		}
	}
	t.Errorf("%d tokens were tried on one connection", tried)
}
