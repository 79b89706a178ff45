package socketio

import (
	"testing"
)

// A client cannot build the private session id from the name of another client's tab. Anonymous
// clients share a user, and therefore the names of their tabs.
func TestTabKeyIsNoPid(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, _, offset, _ := c.JoinWithPid(`{"userId":"u1","sessionId":"tab1"}`)
	other := s.Dial("")
	sid2, _, _, _ := other.JoinWithPid(
		`{"userId":"u1","pid":"tab:u1\u0000tab1","offset":"` + offset + `"}`)
	if sid2 == sid {
		t.Error("the name of a tab was taken for the secret name of a session")
	}
	c.Sync()
}
