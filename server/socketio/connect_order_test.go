package socketio

import (
	"context"
	"strings"
	"testing"
)

// A packet that is sent as soon as the client counts as connected follows the reply to CONNECT.
func TestConnectReplyPrecedesConcurrentPackets(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		go func() {
			for c.isConnecting() {
			}
			_ = c.AskFunc("q", func(Answer, error) {})
		}()
		return nil
	})
	for range 300 {
		c := s.Dial("")
		c.Send(`40{"userId":"u1"}`)
		for i, want := range []string{`40{"sid":`, `42["connected",`} {
			if got := c.Read(); !strings.HasPrefix(got, want) {
				t.Fatalf("packet %d is %s, want %s", i, got, want)
			}
		}
		c.Conn.Close()
	}
}
