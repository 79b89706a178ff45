package library

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// A connection counts once for each of its users, in whichever namespace that user connects, until
// the user's last namespace disconnects.
func TestConnectionCountsForEachUser(t *testing.T) {
	t.Parallel()
	limits := limit.New(limit.Options{PerUser: 1})
	s := newStack(t, func(o *socketio.Options) { o.Limits = limits })
	_ = s.io.Of("/a", nil)
	_ = s.io.Of("/b", nil)
	const full = `{"message":"Too many connections",` +
		`"data":{"code":"too_many_connections","retryAfter":10}}`
	expect := func(c *servertest.WebSocket, packet, want string) {
		t.Helper()
		c.Send(packet)
		if got := c.Read(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", packet, got, want)
		}
	}
	one, two := s.Dial(""), s.Dial("")
	one.Join(`{"userId":"u1"}`)
	expect(one, `40/a,{"userId":"u1"}`, `40/a,{"sid":`)
	two.Join(`{"userId":"u2"}`)
	expect(two, `40/a,{"userId":"u1"}`, `44/a,`+full)
	expect(one, `40/b,{"userId":"u2"}`, `44/b,`+full)

	// A user that has disconnected no longer counts, although the transport stays open.
	two.Send("41")
	users := func(want int) func() bool {
		return func() bool {
			_, _, n := limits.Counts()
			return n == want
		}
	}
	servertest.Eventually(t, "u2 has left", users(1))
	expect(one, `40/b,{"userId":"u2"}`, `40/b,{"sid":`)
	expect(two, `40{"userId":"u2"}`, `44`+full)
	one.Conn.Close()
	servertest.Eventually(t, "its users no longer count", users(0))
	expect(two, `40{"userId":"u1"}`, `40{"sid":`)
}
