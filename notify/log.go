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

// ErrAhead is the error of Log.Wait for an id after the last message.
var ErrAhead = errors.New("the log has no message of this id")

// Log stores messages in one order and assigns their ids. Stored messages reach the members through
// the log only: a Hub appends to it and follows it. Several goroutines may call the methods at the
// same time.
type Log interface {
	// Append stores the messages, all or none, and assigns rising ids; the messages of one call are
	// neighbours in the order. It returns after the log has stored the messages and the follower of
	// this node has got the same pointers; a log on another machine that has stored them waits for
	// the follower half a second only. An error means that they are not stored, as far as the log
	// can know: after ErrUncertain they may be. Also with a context without a deadline, a log on
	// another machine returns within seconds. The log keeps the messages, not the slice.
	//
	// A log with the Store of the Claim of ctx, see ClaimOf, stores the value of the Claim in the same
	// step. If the key has a value already, it stores nothing and returns a *ClaimedError.
	Append(ctx context.Context, messages []*Message) error

	// Follow delivers batches in order, one call at a time, and returns at once. The first one has a
	// Loss with the position before which the log retains nothing, and with those after it come the
	// messages that the log retains, as far as they fit in memory. A log on this machine delivers
	// them before Follow returns. The log calls the returned function, if it is not nil, after it
	// has released its locks. A log has one follower in its lifetime.
	Follow(deliver func(Batch) (after func()))

	// Ready returns a channel that is closed when the follower has what the log retains.
	Ready() <-chan struct{}

	// Wait returns nil when the follower has got the message of an id, or a later one. It waits for
	// messages that another node may have stored, until ctx is done. If the log knows that it has no
	// such message, it returns ErrAhead at once.
	Wait(ctx context.Context, id ID) error

	// Head returns the id of the last stored message that this node knows, or of the position before
	// the first one. It is the zero ID before a log on another machine is Ready.
	Head() ID

	// Close stores what Append has accepted, and ends the goroutines of the log. After Close,
	// Append returns ErrClosed.
	Close() error
}

// Batch is what a Log delivers at once. Its ids are higher than those before, and may have holes.
// Other nodes may have stored its messages.
type Batch struct {
	State    *RetainedState // comes before Loss; nil: the Hub retains what it has
	Loss     *Loss          // comes before Messages; nil: nothing is lost
	Fork     *Fork          // comes after Loss; nil: none
	Deleted  *RetainedID    // comes after Fork; nil: none
	Messages []*Message
	// Retained says that Messages were stored before the log was followed, so that they are for
	// replay only. Their Stored is set.
	Retained bool
}

// Loss says that the log lost messages that it delivered, or did not deliver. Every id after a Loss
// is higher than Head.
type Loss struct {
	// Head is the last position before the messages that follow. A higher one than that of the last
	// message says that those between are lost. A lower one says that the log went back: messages
	// after Head, all that were delivered, are lost, and others with such ids may follow. With
	// another epoch all that were delivered are lost.
	Head ID
}

// Fork says that the log went back to From, at a time when this node did not follow it: ids after
// From, up to and including To, can be those of lost messages. A client with such a cursor resumes
// at From and gets a gap. One with an earlier cursor resumes there and gets a gap, too: it has missed
// what is lost. The ids are of the epoch of the log.
type Fork struct{ From, To ID }
