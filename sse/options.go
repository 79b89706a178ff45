package sse

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// Options configure a [Handler]. Start from [DefaultOptions]: a zero means zero. Hub and Auth are
// required.
type Options struct {
	Hub  *notify.Hub
	Auth Authenticator

	Tickets TicketIssuer // for requests for tickets; nil: none

	// Admit decides whether a stream may start, and counts it until release, which may be nil, is
	// called: after the stream has ended and before the client can see the end. [ErrOverloaded]
	// says how its errors are answered. nil admits all clients.
	Admit func(*http.Request, auth.Identity) (release func(), err error)

	// Gate is called for each request for a stream before the client authenticates. An error refuses
	// the stream, see [ErrOverloaded]. nil lets all pass.
	Gate func(*http.Request) error

	// Overloaded is called with the cause when a client gets a short stream with `overloaded`, as
	// [ErrOverloaded] describes: the status of the response does not show it. nil: not called.
	Overloaded func(*http.Request, error)

	// Tag returns the first characters of the ids of new streams, so that several servers behind one
	// address know whose stream an id names. nil: none.
	Tag func() string

	// Address returns the address of a client, for its share of the kept sessions, see
	// notify.Attachment, and of the tickets. nil: clients have no address.
	Address func(*http.Request) netip.Addr

	Heartbeat time.Duration // between two comments, 3 s by default; 0: none
	Sync      time.Duration // without an event before the cursor is sent, 60 s by default; 0: never

	// WriteTimeout is how long one write waits for progress before the stream is cut, 10 s by
	// default. It does not cover an HTTP/2 connection that takes no bytes of any stream: set
	// http.Server's HTTP2.WriteByteTimeout for that.
	WriteTimeout time.Duration

	DefaultChannels []string // each stream joins those that it may
	// As is the event name of notifications unless the client requests another. "type", the
	// default, is the type of each notification.
	As string
	// MaxRooms is how many channels a client may request, 64 by default; 0: none; notify.NoLimit:
	// any number.
	MaxRooms int

	// RateInterval is the mean time between two messages of a stream, RateBurst the number of
	// messages at once, as for the events of a Socket.IO client: 100 ms and 20 by default. An
	// interval of 0 is no limit.
	RateInterval time.Duration
	RateBurst    int

	// Written is called after every write to a stream, with the number of bytes and the time when
	// the server accepted the oldest notification in them. The time is zero if there is none, or if
	// all of them are older than the stream. Written must be fast. nil: not called.
	Written func(bytes int, since time.Time)

	// Panicked is called after a panic in a goroutine of a stream, which ends only that stream.
	// nil: not called.
	Panicked func()

	// Problem answers a request that is refused. The errors are *[auth.Error],
	// *[notify.ValidationError], *[http.MaxBytesError] and errors that wrap [notify.ErrUnavailable]
	// or an error of this package. nil answers with a bare problem document (RFC 9457).
	Problem func(http.ResponseWriter, *http.Request, error)
	Log     *zap.Logger // nil: none
}

// Detacher is the ResponseWriter of a middleware that acts at the end of a stream, such as a
// request log. The stream unwraps writers to find it, as [http.ResponseController] does.
type Detacher interface {
	// Detach is called in the handler when the stream has taken over the connection and the handler
	// is about to return. ended, which may be nil, is called once, when the stream has ended, with
	// the number of bytes of all its events. The stream keeps ended until then, so ended should
	// keep neither the request nor the writer.
	Detach() (ended func(bytes int64))
}

// DefaultOptions returns the options of a public server, without Hub and Auth.
func DefaultOptions() Options {
	return Options{
		Heartbeat: 3 * time.Second, Sync: time.Minute, WriteTimeout: 10 * time.Second,
		As: ownName, MaxRooms: 64, RateInterval: 100 * time.Millisecond, RateBurst: 20,
	}
}

// check returns an error for invalid options and replaces nil by the defaults.
func (o *Options) check() error {
	switch {
	case o.Hub == nil || o.Auth == nil:
		return errors.New("sse: Options.Hub and Options.Auth must be given")
	case o.WriteTimeout <= 0:
		return fmt.Errorf("sse: Options.WriteTimeout is %v, expected more than 0: "+
			"start from DefaultOptions()", o.WriteTimeout)
	case o.As == "":
		return errors.New("sse: Options.As is empty, expected a name: start from DefaultOptions()")
	case o.RateInterval > 0 && o.RateBurst < 1:
		return fmt.Errorf("sse: Options.RateBurst is %d, expected at least 1", o.RateBurst)
	}
	if o.Address == nil {
		o.Address = func(*http.Request) (none netip.Addr) { return none }
	}
	if o.Gate == nil {
		o.Gate = func(*http.Request) error { return nil }
	}
	if o.Admit == nil {
		o.Admit = func(*http.Request, auth.Identity) (func(), error) { return nil, nil }
	}
	if o.Problem == nil {
		o.Problem = writeProblem
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return nil
}
