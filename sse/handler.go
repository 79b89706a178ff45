package sse

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/sockets"
)

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
