package notify

import (
	"context"
	"fmt"
	"time"
)

// ErrNotReady is the error of Attach and of a publish before the Hub has what the log retains. It
// wraps ErrUnavailable.
var ErrNotReady = fmt.Errorf("%w: the server has not read it yet", ErrUnavailable)

// Ready returns ErrNotReady until the Hub has what the log retains: a client that resumed before
// would get a gap. In a cluster it also has what the other nodes count, and they can find this node: the
// ids of its sessions have its tag. It stays nil after that, also while the log is unavailable. A log in
// memory or on disk is ready at once.
func (h *Hub) Ready() error {
	if isClosed(h.ready) && (h.o.Presence == nil || isClosed(h.o.Presence.Ready())) {
		return nil
	}
	return ErrNotReady
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// maxWait is how long a client waits for a node that has read less than the node it comes from.
const maxWait = 2 * time.Second

// Wait returns when the Hub has delivered the message of a cursor, or after two seconds, or when ctx
// is done. A caller of Attach waits first, without locks: a client that comes from another node may
// have a cursor that this one has not read yet, and would get a gap. nil is no cursor. Over a log of
// one node Wait returns at once.
func (h *Hub) Wait(ctx context.Context, c *Cursor) {
	if c == nil || c.All || c.Invalid || !isAhead(c.ID, h.Head()) || h.hasFork(c.ID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	_ = h.log.Wait(ctx, c.ID) // without the message, Attach reports the gap
}

// isAhead reports whether id is of the same epoch as head and after it.
func isAhead(id, head ID) bool { return id.Epoch == head.Epoch && id.Seq > head.Seq }

// hasFork reports whether an id of the log's epoch can be that of a lost message.
func (h *Hub) hasFork(id ID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.forks.origin(id.Seq) < id.Seq
}

// always is the channel of a log that is ready at once.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
