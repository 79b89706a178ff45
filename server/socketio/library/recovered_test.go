package library

import (
	"slices"
	"testing"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// A client that comes back finds the same with handlers of the library as with ours.
func TestWhatARecoveryRestores(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *socketio.Options) {
		o.Hub = servertest.HubWith(t, func(o *notify.Options) { o.HistorySize = 8 })
	})
	connects, first := make(chan servertest.Restored, 1), true
	_ = s.io.On("connection", func(args ...any) {
		c := args[0].(*socket.Socket)
		rooms := c.Rooms().Keys()
		connects <- servertest.Restored{
			ID:        string(c.Id()),
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
	})
	s.ExpectRecovery(connects)
}
