package sse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/sockets"
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

// Handler serves streams. It is safe for concurrent use.
type Handler struct {
	o       Options
	start   time.Time // where instants start to count
	key     [32]byte  // of the secrets of streams
	writers *sockets.Writers[*stream]
	watcher *sockets.Watcher[*stream]
	intake  *sockets.Intake
	unknown unknown // query parameters

	mu       sync.Mutex // guards the fields below; never held while waiting
	due      dueQueue   // of all running streams
	open     int        // responses that have not ended, including those of running streams
	draining bool
	empty    chan struct{} // closed when draining and open is 0
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

// New returns a Handler, or an error that names the option that is missing or out of range.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	h := &Handler{o: o, start: time.Now(), due: dueQueue{at: never}, empty: make(chan struct{})}
	_, _ = rand.Read(h.key[:]) // never fails
	h.unknown.log = o.Log
	h.writers = sockets.NewWriters[*stream](h.writeStreams)
	h.intake = sockets.NewIntake(maxIncomplete)
	h.watcher = sockets.NewWatcher((*stream).look)
	return h, nil
}

// Stream returns the handler of GET (and HEAD) requests for a stream. as is the event name of this
// route's notifications and control events, unless the client requests another: a client that only
// sets onmessage then gets all events. With "" control events keep their names and notifications
// use [Options.As].
//
// Over HTTP/1.1 the handler takes over the connection when the stream has begun, and returns. If
// the ResponseWriter of a middleware is a [Detacher], the stream calls it. net/http keeps the
// connection if no ResponseWriter of the chain is an [http.Hijacker], or if a middleware encodes
// the response.
func (h *Handler) Stream(as string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, as) })
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, route string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.refuseMethod(w, r, "GET, HEAD")
		return
	}
	credentials := auth.FromRequest(r)
	if r.Method == http.MethodHead && credentials.Ticket != "" {
		head(w) // authentication would use up the ticket, and its page could not connect
		return
	}
	names, invalid := h.names(r, credentials, route)
	if r.Method == http.MethodGet {
		err := h.o.Gate(r)
		if err == nil {
			err = h.o.Hub.Ready()
		}
		if err != nil {
			h.refuse(w, r, names, err)
			return
		}
	}
	identity, err := h.o.Auth.Authenticate(r.Context(), credentials, auth.EventSource)
	if err == nil {
		err = invalid
	}
	if err != nil {
		h.refuse(w, r, names, err)
		return
	}
	if r.Method == http.MethodHead {
		head(w)
		return
	}
	release, err := h.o.Admit(r, identity)
	switch {
	case err != nil:
		h.refuse(w, r, names, err)
		return
	case release == nil:
		release = func() {}
	}
	s := newStream(h, identity, names, release)
	opening, ok := h.join(r.Context(), s, credentials, h.o.Address(r))
	if !ok {
		release()
		h.refuse(w, r, names, ErrOverloaded)
		return
	}
	s.serve(w, r, opening)
}

// head writes the response to a HEAD request.
func head(w http.ResponseWriter) {
	setHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
}

// names returns the event names for a request.
func (h *Handler) names(r *http.Request, c auth.Credentials, route string) (names, error) {
	query := auth.Query(r)
	h.unknown.note(query)
	n, err := namesOf(c.As, route, h.o.As)
	if err != nil {
		return n, err
	}
	return enveloped(n, query["envelope"], c.As)
}

// join counts a stream and makes it a member. It returns false after Shutdown.
func (h *Handler) join(
	ctx context.Context, s *stream, c auth.Credentials, address netip.Addr,
) (o opening, ok bool) {
	var resume *notify.Cursor
	if c.Since != "" {
		cursor := notify.ParseCursor(c.Since)
		resume = &cursor
	}
	tab := s.tabOf(ctx, c) // this and the next wait before the stream can be ended
	h.o.Hub.Wait(ctx, resume)
	if !h.add(s) {
		return o, false
	}
	o, err := s.attach(c, tab, resume, address)
	if err != nil {
		h.o.Log.Error("stream cannot be attached", zap.Error(err))
		h.remove(s)
		h.closed()
	}
	return o, err == nil
}

// setHeaders sets the headers of a stream: no cache stores it, no middleware compresses it, and no
// proxy buffers it (X-Accel-Buffering for nginx).
func setHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}
