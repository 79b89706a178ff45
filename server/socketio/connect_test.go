package socketio

import (
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Guessing tokens on a connection that is up costs as much as on a new one.
func TestRefusedConnectsEndTheConnection(t *testing.T) {
	s := newStack(t, withTokens(t))
	_ = s.sio.IO().Of("/admin", nil)
	c := s.Dial("")
	token := servertest.SignHS256(t, servertest.Secret, map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c.Join(`{"token":"` + token + `"}`)
	const tries = 200
	go func() {
		for range tries { // the server may close meanwhile
			if c.Conn.WriteMessage(1, []byte(`40/admin,{"token":"guess"}`)) != nil {
				return
			}
		}
	}()
	tried := 0
	for ; tried < tries; tried++ {
		text, err := c.Next()
		if err != nil || !strings.Contains(text, `"invalid_token"`) {
			return // closed, or told to wait
		}
	}
	t.Errorf("%d tokens were tried on one connection", tried)
}

// Nothing of a namespace comes before the answer to its CONNECT.
func TestTheConnectReplyComesFirst(t *testing.T) {
	s := newStack(t, func(o *Options) { o.RateInterval, o.RateBurst = time.Minute, 1 })
	s.sio.guards.Lock() // the CONNECT waits here
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	p := s.onlyPeer("/")
	c.Send(`42["ping"]`)
	c.Send(`42["ping"]`) // over the rate
	l := p.link
	servertest.Eventually(t, "the event is refused", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == 1
	})
	c.Send("431[]") // behind it in the reader
	servertest.Eventually(t, "the reader is through", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.inbox) == 2
	})
	s.sio.guards.Unlock()
	if got := c.Read(); !strings.HasPrefix(got, "40{") {
		t.Errorf("before the answer to CONNECT came %s", got)
	}
}

// The secret name of a session is no name that a client can make up from another's
// tab: anonymous clients share a user, and so the names of their tabs.
func TestATabIsNoPid(t *testing.T) {
	s := newStack(t, nil)
	c := s.Dial("")
	sid, _, offset, _ := c.JoinWithPid(`{"userId":"u1","sessionId":"tab1"}`)
	other := s.Dial("")
	if sid2, _, _, _ := other.JoinWithPid(`{"userId":"u1","pid":"tab:u1\u0000tab1","offset":"` + offset + `"}`); sid2 == sid {
		t.Error("the name of a tab was taken for the secret name of a session")
	}
	c.Sync()
}
