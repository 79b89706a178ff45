package redisstream

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/peers"
)

// logCalls is the peers.Stream of a log.
type logCalls struct {
	l       *Log
	receive atomic.Pointer[func(*nodewire.Entry)] // nil: entries that are no messages are for nobody
}

// Calls returns the entries of the stream that are no messages. Its Receive must be called before
// Follow.
func (l *Log) Calls() peers.Stream { return &l.calls }

// UID is the uid with which the log writes its entries.
func (l *Log) UID() string { return l.uid }

// Receive implements peers.Stream.
func (c *logCalls) Receive(f func(*nodewire.Entry)) { c.receive.Store(&f) }

// Ready implements peers.Stream.
func (c *logCalls) Ready() <-chan struct{} { return c.l.ready }

// Append implements peers.Stream. Entries of one call can have others between them.
func (c *logCalls) Append(ctx context.Context, entries ...*nodewire.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, c.l.c.timeout)
	defer cancel()
	commands := make([][]any, len(entries))
	for i, e := range entries {
		f, err := e.Fields()
		if err != nil {
			return err
		}
		commands[i] = c.l.add(f, "*")
	}
	replies := c.l.do(ctx, commands)
	for _, reply := range replies {
		if err := reply.Err(); err != nil {
			return fmt.Errorf("%w: %w", notify.ErrUnavailable, c.l.c.clean(err))
		}
	}
	return nil
}

// isOrdered reports whether an entry that is no message has a place among the messages.
func isOrdered(e *nodewire.Entry) bool {
	return e.Type >= nodewire.TypeJoin && e.Type <= nodewire.TypeDisconnect
}

// hand gives an entry of another server to the receiver.
func (c *logCalls) hand(e *nodewire.Entry) {
	if f := c.receive.Load(); f != nil && e.UID != c.l.uid {
		(*f)(e)
	}
}
