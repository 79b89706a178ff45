package engineio

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/server/sockets"
)

// Server is an http.Handler that serves Engine.IO sessions on every path that it is mounted at. It
// is safe for concurrent use.
//
// An idle WebSocket has no goroutine: one epoll reports the sockets that can be read, and a
// goroutine reads while there are bytes. With TLS, and on other systems than Linux, each has a
// goroutine that reads. At most one goroutine for each processor writes to WebSockets, without
// waiting, while there is something to write. If a write must wait, a goroutine of the session
// continues it. A waiting GET uses the goroutine of its request.
type Server struct {
	o        Options
	started  time.Time // where Session.received counts from, without jumps of the clock
	upgrader websocket.Upgrader
	writers  *sockets.Writers[*Session]
	watcher  *sockets.Watcher[*Session]
	buffers  sync.Pool // *[readBuffer]byte
	batches  sync.Pool // *Batch
	scratch  sync.Pool // *[]byte, for reading messages
	intake   *sockets.Intake
	open     atomic.Int64  // sessions that are not closed
	refusals *rate.Limiter // nil without Options.ReceiveRate
	crowded  *rate.Limiter // of Options.Gate; as refusals

	mu       sync.Mutex
	sessions map[string]*Session // by id; closed ones only while a last GET may arrive
	draining bool
	live     int           // sessions with a running goroutine
	empty    chan struct{} // created by Shutdown, closed when live is 0
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{o: o.withDefaults(), started: time.Now(), sessions: make(map[string]*Session)}
	s.writers = sockets.NewWriters[*Session](s.writeSessions)
	s.watcher = sockets.NewWatcher((*Session).resume)
	s.intake = sockets.NewIntake(s.o.MaxIncomplete)
	s.buffers.New = func() any { return new([readBuffer]byte) }
	s.batches.New = func() any { return new(Batch) }
	s.scratch.New = func() any { p := make([]byte, scratchSize); return &p }
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: s.o.WriteTimeout,
		// The library's connection is dropped after the handshake, so its buffers are minimal.
		ReadBufferSize:  1,
		WriteBufferPool: new(sync.Pool),
		CheckOrigin:     func(*http.Request) bool { return true }, // ServeHTTP has checked it
		Error: func(w http.ResponseWriter, r *http.Request, _ int, _ error) {
			s.refuse(w, r, errRequest)
		},
	}
	if s.o.ReceiveRate > 0 {
		s.refusals = rate.NewLimiter(refusalRate, refusalBurst)
		s.crowded = rate.NewLimiter(crowdedRate, crowdedBurst)
	}
	return s
}

// ServeHTTP answers one request: a handshake, a GET or POST of a polling session, or a WebSocket.
// It answers OPTIONS with a 204 without CORS headers: CORS is the task of a middleware.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	session, err := s.find(r)
	switch {
	case err == &errSession:
		s.foreign(w, r)
	case err != nil:
		s.refuse(w, r, *err)
	case session == nil:
		s.handshake(w, r)
	case websocket.IsWebSocketUpgrade(r):
		s.upgrade(w, r, session)
	case r.Method == http.MethodGet:
		session.get(w, r)
	default:
		session.post(w, r)
	}
}

// find checks a request and returns its session, or nil for a handshake.
func (s *Server) find(r *http.Request) (*Session, *refusal) {
	if headerBytes(r.Header) > maxHeaders {
		return nil, &errLargeHead
	}
	if !s.o.CheckOrigin(r) {
		return nil, &errForbidden
	}
	if strings.Count(r.URL.RawQuery, "&") >= maxParameters {
		return nil, &errLongQuery
	}
	q := r.URL.Query()
	transport, sid := q.Get("transport"), q.Get("sid")
	switch {
	case !s.o.offers(transport):
		return nil, &errTransport
	case q.Get("EIO") != "4":
		return nil, &errUnsupports
	case sid == "" && r.Method != http.MethodGet:
		return nil, &errMethod
	}
	var session *Session
	if sid != "" {
		if session = s.lookup(sid, r); session == nil {
			return nil, &errSession
		}
	}
	upgrade := websocket.IsWebSocketUpgrade(r)
	switch {
	case upgrade != (transport == WebSocket),
		r.Method != http.MethodGet && r.Method != http.MethodPost,
		r.Method == http.MethodGet && r.ContentLength > 0: // net/http would not see the client leave
		return nil, &errRequest
	case upgrade:
		return session, checkUpgrade(r)
	}
	return session, nil
}

// Len returns the number of open sessions.
func (s *Server) Len() int { return int(s.open.Load()) }

// Range calls f for each session that is not closed, in no order, until f returns false. It holds
// no lock during the calls.
func (s *Server) Range(f func(*Session) bool) {
	for _, session := range s.snapshot() {
		if !session.Closed() && !f(session) {
			return
		}
	}
}

func (s *Server) snapshot() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}

// lookup returns the session of a request, or nil if there is none that the request may use. It
// closes a session whose pong is overdue, even if the timer has not fired yet.
func (s *Server) lookup(sid string, r *http.Request) *Session {
	s.mu.Lock()
	session := s.sessions[sid]
	s.mu.Unlock()
	if session == nil || !s.o.Authorize(session, r) {
		return nil
	}
	if session.overdue(time.Now()) {
		session.end(ending{reason: ReasonPingTimeout, code: closeNormal})
		return nil
	}
	session.touch()
	return session
}

// add registers a session. It returns false while the server shuts down.
func (s *Server) add(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.sessions[session.id] = session
	s.live++
	s.open.Add(1)
	return true
}

func (s *Server) forget(session *Session) {
	s.mu.Lock()
	delete(s.sessions, session.id)
	s.mu.Unlock()
}

// left is called when the last goroutine of a closed session ends.
func (s *Server) left() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if s.live == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// batch returns an empty batch from the pool; putBatch returns it.
func (s *Server) batch() *Batch { return s.batches.Get().(*Batch) }

func (s *Server) putBatch(b *Batch) {
	if cap(b.buf) > maxPooledBuffer {
		b.buf = nil
	}
	b.reset(formatFrames, 0)
	s.batches.Put(b)
}
