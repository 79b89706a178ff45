package servertest

import (
	"context"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// NodeLog is the log of a node that shares it with others: it may be read later, and get messages that
// others have stored.
type NodeLog struct {
	*notify.MemoryLog
	Read chan struct{} // closed when the log has been read
	// Waits is called by Wait, which then delivers messages up to the id that the caller waits for.
	Waits func(ctx context.Context, id notify.ID)
}

// NodeHub returns a Hub over a NodeLog. The test closes it.
func NodeHub(t testing.TB) (*notify.Hub, *NodeLog) {
	log := &NodeLog{MemoryLog: notify.NewMemoryLog(), Read: make(chan struct{})}
	hub := notify.New(log, notify.DefaultOptions())
	t.Cleanup(hub.Close)
	return hub, log
}

// Ready implements notify.Log.
func (l *NodeLog) Ready() <-chan struct{} { return l.Read }

// Wait implements notify.Log.
func (l *NodeLog) Wait(ctx context.Context, id notify.ID) error {
	if l.Waits == nil {
		return l.MemoryLog.Wait(ctx, id)
	}
	l.Waits(ctx, id)
	for l.Head().Seq < id.Seq {
		m := &notify.Message{Namespace: "/", Rooms: []string{"*"}, Type: "foreign"}
		if err := l.Append(ctx, []*notify.Message{m}); err != nil {
			return err
		}
	}
	return nil
}
