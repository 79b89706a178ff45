package notify

import (
	"context"
	"errors"
)

// ErrUnavailable is wrapped by the error of a publish that the log could not store: nothing was sent, and the
// sender may try again.
var ErrUnavailable = errors.New("the notification log is not available")

// ErrClosed is returned by a closed log or Hub.
var ErrClosed = errors.New("closed")

// Log stores messages in one order and gives them their ids. It is the only way of a stored message to the
// members: a Hub appends to it and follows it. All methods may be called by several goroutines.
type Log interface {
	// Append stores the messages, all or none, and gives them consecutive ids. It returns once they are stored
	// and the follower of this node has had these very pointers. An error means that they are not stored, as far
	// as can be known. The log keeps the messages, not the slice.
	Append(ctx context.Context, messages []*Message) error

	// Follow delivers every message after from that is retained before it returns, and every later one when it
	// is stored: in order, one call at a time. An id that does not continue the one before tells the follower
	// that what was between them, or the epoch, is lost. The log calls the returned function, when it is not
	// nil, after releasing its own locks. There is one follower for the life of the log.
	Follow(from ID, deliver func([]*Message) (after func()))

	// Head returns the id of the last message stored, or Seq 0 of the epoch.
	Head() ID

	// Close ends what the log runs. Append returns ErrClosed from then on.
	Close() error
}
