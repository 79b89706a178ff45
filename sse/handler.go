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
)

// Options join a [Handler] to the rest. Hub and Auth must be given; every other zero value is its default.
type Options struct {
	Hub  *notify.Hub
	Auth Authenticator

	Tickets TicketIssuer // whose tickets clients may ask for; nil: none

	// Admit is asked before a stream starts and counts it until release, which may be nil, is called. An error that
	// wraps [ErrOverloaded] is told to the client inside a stream, so that it comes back by itself; any other goes to
	// Problem. nil admits everyone.
	Admit func(*http.Request, auth.Identity) (release func(), err error)

	Heartbeat time.Duration // between two comments (3 s); negative: none
	Sync      time.Duration // of silence before the cursor is sent (60 s); negative: never

	// WriteTimeout is for one write and flush (10 s); then the stream is cut. A connection of HTTP/2 that takes no byte
	// of any stream is for the server to cut: set http.Server's HTTP2.WriteByteTimeout.
	WriteTimeout time.Duration

	DefaultChannels []string // joined by every stream that may
	As              string   // the event name of notifications where the client asks for none; "type" (default): their own
	MaxRooms        int      // channels that a client may ask for; 0: none; notify.NoLimit: any number

	// RateInterval is the mean time between two messages of a stream, RateBurst how many may come at once; as for the
	// events of a socket. 0: as many as come.
	RateInterval time.Duration
	RateBurst    int

	// Written is told of every write of a stream: its bytes, and since when the oldest notification in it has been on
	// its way, zero when there is none or all are of the time before the stream. It must be quick. nil: nobody asks.
	Written func(bytes int, since time.Time)

	// Problem answers a request that is refused. The errors are *[auth.Error], *[notify.ValidationError],
	// *[http.MaxBytesError] and what wraps [notify.ErrUnavailable]. nil answers with a bare problem document (RFC 9457).
	Problem func(http.ResponseWriter, *http.Request, error)
	Log     *zap.Logger // nil: none
}

// Handler serves streams. It is safe for concurrent use.
type Handler struct {
	o Options

	mu       sync.Mutex // guards what follows; nothing that waits is done under it
	streams  map[*stream]struct{}
	draining bool
	empty    chan struct{} // closed when draining and the last stream has gone
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
	return &Handler{o: o, streams: make(map[*stream]struct{}), empty: make(chan struct{})}
}

// Stream returns the handler of GET (and HEAD) requests for a stream. as is the event name of this route's
// notifications, and of its control events too, as long as the client asks for no other: a listener of onmessage
// alone then gets everything. "" leaves control events their names and takes [Options.As] for notifications.
func (h *Handler) Stream(as string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, as) })
}

// Len returns the number of running streams.
func (h *Handler) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// serve runs a stream from the first byte to the last, in the request's own goroutine.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, route string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.refuseMethod(w, r, "GET, HEAD")
		return
	}
	credentials := auth.FromRequest(r)
	identity, err := h.o.Auth.Authenticate(r.Context(), credentials, auth.EventSource)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	names, err := namesOf(credentials.As, route, h.o.As)
	if err == nil {
		names, err = enveloped(names, r.URL.Query()["envelope"], credentials.As)
	}
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
		h.overload(w, names)
		return
	case err != nil:
		h.o.Problem(w, r, err)
		return
	case release != nil:
		defer release()
	}
	s := newStream(h, w, r, identity, names)
	if !h.add(s) {
		h.overload(w, names)
		return
	}
	defer h.remove(s)
	denied, err := s.attach(credentials)
	if err != nil {
		h.o.Log.Error("stream cannot be attached", zap.Error(err))
		h.overload(w, names)
		return
	}
	defer s.member.Detach()
	started := time.Now()
	why := s.run(r.Context(), denied)
	h.o.Log.Debug("stream ended", zap.String("client", s.clientID), zap.String("reason", why),
		zap.Duration("after", time.Since(started)), zap.Duration("retry", s.retry))
}

// overload ends a stream at its start. A status other than 200 would make an EventSource give up for ever.
func (h *Handler) overload(w http.ResponseWriter, n names) {
	setHeaders(w.Header())
	out := output{w: w, rc: http.NewResponseController(w), timeout: h.o.WriteTimeout}
	retry := newRetry()
	h.o.Log.Debug("stream refused", zap.String("code", "overloaded"), zap.Duration("retry", retry))
	event := appendRetry(nil, retry)
	event = n.appendControl(event, "", "overloaded", control{Type: "overloaded"})
	_ = out.write(event) // nobody is left to tell
}

// setHeaders sets the headers of a stream: never cached, never compressed, never held back by a proxy (nginx obeys
// X-Accel-Buffering). There is no Connection header, which HTTP/2 forbids (RFC 9113, section 8.2.2).
func setHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
}
