package notify

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnavailable is the error of a publish that the log cannot store. The Hub sent nothing, and the
// publisher may try again, except after ErrUncertain. Errors wrap it.
var ErrUnavailable = errors.New("the notification log is unavailable")

// ErrUncertain is the error of a publish that was being stored when its context ended: it may be
// stored and delivered, or not. It wraps ErrUnavailable. A publisher that tries again may send it
// twice.
var ErrUncertain = fmt.Errorf("%w: the outcome of the publish is not known", ErrUnavailable)

// ErrClosed is the error of a closed log or Hub.
var ErrClosed = errors.New("closed")

// ErrDraining is the error of a publish after [Hub.Drain]. It wraps ErrUnavailable.
var ErrDraining = fmt.Errorf("%w: the server is shutting down", ErrUnavailable)

// Log stores messages in one order and assigns their ids. Stored messages reach the members through
// the log only: a Hub appends to it and follows it. Several goroutines may call the methods at the
// same time.
type Log interface {
	// Append stores the messages, all or none, and assigns rising ids; the messages of one call are
	// neighbours in the order. It returns after the log has stored the messages and the follower of
	// this node has got the same pointers. An error means that they are not stored, as far as the
	// log can know: after ErrUncertain they may be. The log keeps the messages, not the slice.
	//
	// A log with the Store of the Claim of ctx, see ClaimOf, stores the value of the Claim in the same
	// step. If the key has a value already, it stores nothing and returns a *ClaimedError.
	Append(ctx context.Context, messages []*Message) error

	// Follow delivers batches in order, one call at a time. Before it returns, it delivers the
	// first one: it has a Loss with the position before which the log retains nothing, and the
	// messages that the log retains after that, as far as they fit in memory. The log calls the
	// returned function, if it is not nil, after it has released its locks. A log has one
	// follower in its lifetime.
	Follow(deliver func(Batch) (after func()))

	// Head returns the id of the last stored message, or of the position before the first one.
	Head() ID

	// Close stores what Append has accepted, and ends the goroutines of the log. After Close,
	// Append returns ErrClosed.
	Close() error
}

// Batch is what a Log delivers at once. Its ids are higher than those before, and may have holes.
type Batch struct {
	Loss     *Loss // comes before Messages; nil: nothing is lost
	Messages []*Message
	// Retained says that Messages were stored before the log was followed, so that they are for
	// replay only. Their Stored is set.
	Retained bool
}

// Loss says that the log lost messages: those between the last one that it delivered and Head, or,
// if Head has another epoch, all that it delivered. Every id after a Loss is higher than Head.
type Loss struct{ Head ID }
