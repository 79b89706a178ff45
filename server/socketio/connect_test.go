package socketio

import (
	"testing"
)

// The secret name of a session is no name that a client can make up from another's
// tab: anonymous clients share a user, and so the names of their tabs.
func TestATabIsNoPid(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c := s.Dial("")
	sid, _, offset, _ := c.JoinWithPid(`{"userId":"u1","sessionId":"tab1"}`)
	other := s.Dial("")
	if sid2, _, _, _ := other.JoinWithPid(`{"userId":"u1","pid":"tab:u1\u0000tab1","offset":"` + offset + `"}`); sid2 == sid {
		t.Error("the name of a tab was taken for the secret name of a session")
	}
	c.Sync()
}
