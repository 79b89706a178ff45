package library

import (
	"testing"

	"github.com/zishang520/socket.io/v2/socket"
)

// A middleware may refuse with data that is not JSON. The client still receives the message at
// once, and does not wait for the CONNECT timeout.
func TestRefusalWithUnencodableData(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.io.Use(func(_ *socket.Socket, next func(*socket.ExtendedError)) {
		next(socket.NewExtendedError("not you", func() {}))
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	if got, want := c.Read(), `44{"message":"not you","data":{"code":"internal"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
