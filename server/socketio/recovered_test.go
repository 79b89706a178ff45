package socketio

import (
	"context"
	"slices"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// What a client that comes back finds with our handlers; see servertest for the rules.
func TestWhatARecoveryRestores(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 8 })
	})
	connects, first := make(chan servertest.Restored, 1), true
	s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
		rooms := c.Rooms()
		connects <- servertest.Restored{
			ID:        c.ID(),
			ByClient:  slices.Contains(rooms, "by-client"),
			ByGo:      slices.Contains(rooms, "by-go"),
			Data:      c.Data(),
			Recovered: c.Recovered(),
		}
		if first {
			c.Join("by-go")
			c.SetData("data")
		}
		first = false
		return nil
	})
	s.ExpectRecovery(connects)
}
