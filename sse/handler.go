package sse

import (
	"cmp"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/sockets"
)

// Options configure a [Handler]. Hub and Auth are required. The comment of a field has its default,
// for zero.
type Options struct {
	Hub  *notify.Hub
	Auth Authenticator

	Tickets TicketIssuer // of the tickets that clients may ask for; nil: none

	// Admit decides whether a stream may start, and counts it until release, which may be nil, is
	// called: after the stream has ended and before the client can see that. A client that gets an
	// error that wraps [ErrOverloaded] is answered with a stream, so that it comes back by itself;
	// any other error goes to Problem. nil admits everyone.
	Admit func(*http.Request, auth.Identity) (release func(), err error)

	Heartbeat time.Duration // between two comments (3 s); negative: none
	Sync      time.Duration // of silence before the cursor is sent (60 s); negative: never

	// WriteTimeout bounds the wait for progress of one write (10 s); then the stream is cut. A
	// connection of HTTP/2 that takes no byte of any stream is for the server to cut: set
	// http.Server's HTTP2.WriteByteTimeout.
	WriteTimeout time.Duration

	DefaultChannels []string // joined by every stream that may
	// As is the event name of notifications if the client asks for none; "type" (default): their
	// own.
	As string
	// MaxRooms is how many channels a client may ask for; 0: none; notify.NoLimit: any number.
	MaxRooms int

	// RateInterval is the mean time between two messages of a stream, RateBurst the number of
	// messages that may come at once; as for the events of a socket. 0: no limit.
	RateInterval time.Duration
	RateBurst    int

	// Written is called after every write to a stream, with the number of bytes and the time when
	// the oldest notification in them was published: zero if there is none, or all of them are
	// older than the stream. It must be quick. nil: not called.
	Written func(bytes int, since time.Time)

	// Panicked is called after a panic in a goroutine of a stream, which ends that stream alone.
	// nil: not called.
	Panicked func()

	// Problem answers a request that is refused. The errors are *[auth.Error],
	// *[notify.ValidationError], *[http.MaxBytesError] and errors that wrap
	// [notify.ErrUnavailable]. nil answers with a bare problem document (RFC 9457).
	Problem func(http.ResponseWriter, *http.Request, error)
	Log     *zap.Logger // nil: none
}

// Detacher is the ResponseWriter of a middleware that has something to do at the end of a stream,
// such as a request log. The stream unwraps writers to find it, as [http.ResponseController] does.
type Detacher interface {
	// Detach is called in the handler when the stream has taken the connection over and the handler
	// is about to return. ended, which may be nil, is called once, when the stream has ended, with
	// the number of bytes of all its events. It lives as long as the stream, so it should keep
	// neither the request nor the writer.
	Detach() (ended func(bytes int64))
}

// Handler serves streams. It is safe for concurrent use.
type Handler struct {
	o       Options
	start   time.Time // what instants count from
	writers *sockets.Writers[*stream]
	watcher *sockets.Watcher[*stream]

	mu       sync.Mutex // guards the fields below; nothing that waits is done under it
	due      dueQueue   // of all running streams
	open     int        // responses that have not ended, those of running streams included
	draining bool
	empty    chan struct{} // closed when draining and nothing is open
}

// New returns a Handler.
func New(o Options) *Handler {
	o.Heartbeat = cmp.Or(o.Heartbeat, 3*time.Second)
	o.Sync = cmp.Or(o.Sync, time.Minute)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.As = cmp.Or(o.As, ownName)
	if o.Admit == nil {
		o.Admit = func(*http.Request, auth.Identity) (func(), error) { return nil, nil }
	}
	if o.Problem == nil {
		o.Problem = writeProblem
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	h := &Handler{o: o, start: time.Now(), due: dueQueue{at: never}, empty: make(chan struct{})}
	h.writers = sockets.NewWriters[*stream](h.writeStreams)
	h.watcher = sockets.NewWatcher((*stream).look)
	return h
}

// Stream returns the handler of GET (and HEAD) requests for a stream. as is the event name of this
// route's notifications and of its control events, unless the client asks for another: a listener
// of onmessage alone then gets everything. "" leaves control events their names and takes
// [Options.As] for notifications.
//
// Over HTTP/1.1 the handler takes the connection over once the stream has begun, and returns.
// Middlewares whose ResponseWriter is a [Detacher] learn when the stream ends. The connection stays
// with net/http if no ResponseWriter of the chain is an [http.Hijacker], or if a middleware encodes
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
	identity, names, err := h.identify(r, credentials, route)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	if r.Method == http.MethodHead {
		setHeaders(w.Header())
		w.WriteHeader(http.StatusOK)
		return
	}
	release, err := h.o.Admit(r, identity)
	switch {
	case errors.Is(err, ErrOverloaded):
		h.overload(w, r, names)
		return
	case err != nil:
		h.o.Problem(w, r, err)
		return
	case release == nil:
		release = func() {}
	}
	s := newStream(h, identity, names, release)
	opening, ok := h.join(s, credentials)
	if !ok {
		release()
		h.overload(w, r, names)
		return
	}
	s.serve(w, r, opening)
}

// identify returns the identity behind the credentials, and the event names for the request.
func (h *Handler) identify(
	r *http.Request, c auth.Credentials, route string,
) (auth.Identity, names, error) {
	identity, err := h.o.Auth.Authenticate(r.Context(), c, auth.EventSource)
	if err != nil {
		return identity, names{}, err
	}
	n, err := namesOf(c.As, route, h.o.As)
	if err != nil {
		return identity, n, err
	}
	n, err = enveloped(n, r.URL.Query()["envelope"], c.As)
	return identity, n, err
}

// join counts a stream and makes it a member. It reports false if there are no new streams any
// more.
func (h *Handler) join(s *stream, c auth.Credentials) (o opening, ok bool) {
	if !h.add(s) {
		return o, false
	}
	o, err := s.attach(c)
	if err != nil {
		h.o.Log.Error("stream cannot be attached", zap.Error(err))
		h.remove(s)
		h.closed()
	}
	return o, err == nil
}

// overload ends a stream at its start. A status other than 200 would make an EventSource give up
// for ever.
func (h *Handler) overload(w http.ResponseWriter, r *http.Request, n names) {
	setHeaders(w.Header())
	retry := newRetry()
	h.o.Log.Debug("stream refused", zap.String("code", "overloaded"), zap.Duration("retry", retry))
	event := n.appendControl(appendRetry(nil, retry), "", "overloaded", control{Type: "overloaded"})
	_ = newResponse(w, r).write(event, h.o.WriteTimeout) // the response ends in any case
}

// setHeaders sets the headers of a stream: never cached, never compressed, never held back by a
// proxy (nginx obeys X-Accel-Buffering).
func setHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}
