package notify

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnavailable is the error of a publish that the log cannot store. The Hub sent nothing, and the
// publisher may try again. Errors wrap it.
var ErrUnavailable = errors.New("the notification log is unavailable")

// ErrClosed is the error of a closed log or Hub.
var ErrClosed = errors.New("closed")

// ErrDraining is the error of a publish after [Hub.Drain]. It wraps ErrUnavailable.
var ErrDraining = fmt.Errorf("%w: the server is shutting down", ErrUnavailable)

// Log stores messages in one order and assigns their ids. Stored messages reach the members through
// the log only: a Hub appends to it and follows it. Several goroutines may call the methods at the
// same time.
type Log interface {
	// Append stores the messages, all or none, and assigns consecutive ids. It returns after the
	// log has stored the messages and the follower of this node has got the same pointers. An error
	// means that they are not stored, as far as the log can know. The log keeps the messages, not
	// the slice.
	Append(ctx context.Context, messages []*Message) error

	// Follow delivers every retained message after from before it returns, and every later message
	// when the log has stored it: in order, one call at a time. If an id does not follow the one
	// before, the messages between them, or the epoch, are lost. The log calls the returned
	// function, if it is not nil, after it has released its locks. A log has one follower in its
	// lifetime.
	Follow(from ID, deliver func([]*Message) (after func()))

	// Head returns the id of the last stored message, or Seq 0 of the epoch.
	Head() ID

	// Close ends the goroutines of the log. After Close, Append returns ErrClosed.
	Close() error
}
