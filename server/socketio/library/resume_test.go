package library

import (
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
)

// The token does not name the rooms that Go code joins for every connection of a user. After a
// resume the client has all messages of these rooms, or receives a gap.
func TestResumeCoversRoomsJoinedByGoCode(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	_ = s.io.On("connection", func(args ...any) { args[0].(*socket.Socket).Join("tenant-5") })
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c := s.Dial("")
	sid, pid, offset, _ := c.JoinWithPid(`{"token":"` + token + `"}`)
	servertest.Eventually(t, "the room is joined", func() bool {
		return len(s.Hub.Match([]string{"tenant-5"}, nil)) == 1
	})
	c.Conn.Close()
	s.Gone(sid)
	s.Publish(`{"target":{"channel":"tenant-5"},"type":"missed","data":1}`)

	c = s.Dial("")
	_, _, _, connected := c.JoinWithPid(
		`{"token":"` + token + `","pid":"` + pid + `","offset":"` + offset + `"}`)
	text := c.Read()
	reported := !connected.Recovered || strings.Contains(text, `"gap"`)
	if !reported && !strings.HasPrefix(text, `42["missed",`) {
		t.Errorf("a client that lost a message of its room received recovered=%v, then %s",
			connected.Recovered, text)
	}
}
