package engineio

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// Session is one client, over its current transport. Its methods are safe for concurrent use and
// never block. All of them only read, except SetSource, Wake, WakeFor, Send, SendFrame and Close.
type Session struct {
	server  *Server
	id      string
	request request // the handshake
	ctx     context.Context
	cancel  context.CancelFunc

	received   atomic.Int64            // when the last bytes came, in nanoseconds after server.started
	pending    atomic.Bool             // the source may have messages; the setter must also wake the writer
	delivering atomic.Bool             // the handler is in Message
	refs       atomic.Int32            // the open session and each of its goroutines
	budget     budget                  // of what the client sends
	lane       sockets.Place[*Session] // where it waits for a shared writer

	recv    sync.Mutex // held while the handler is called
	handler Handler    // set before the first packet can arrive
	holder  Holder     // the handler; nil if it holds everything

	mu         sync.Mutex
	state      state
	reason     string
	source     Source
	queue      []packet // the session's own packets, written before those of the source
	queued     int      // their bytes
	finished   bool     // Finish of the source has returned true
	writing    bool     // a writer is running: it pulls from queue and source
	conn       *wire    // nil while polling
	lastPacket byte     // answers a GET after the end
	linger     bool     // the client has closed it, and its last GET may still arrive

	waiting *poll         // the GET that waits for something to send
	rest    bool          // the POST in progress has packets after the one at the handler
	posting chan struct{} // closed at the end of the POST in progress; nil without one

	candidate *wire // the WebSocket of an upgrade in progress
	probed    bool  // its probe was answered: GETs are answered with NOOP

	timer    *time.Timer // heartbeat
	nextPing time.Time
	deadline time.Time   // for the pong; zero when none is outstanding
	closer   *time.Timer // bounds the flush of a closing session
}

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // the queue is still written
	stateClosed
)

// ID returns the session id. It is a secret of the client: anyone who knows it can read the
// session, so do not log it.
func (s *Session) ID() string { return s.id }

// Request returns the handshake request without body: method, URL, host, remote address, TLS state,
// the values of its context, and the headers except those of the connection itself. Each call
// builds a new request, so call it once.
func (s *Session) Request() *http.Request { return s.request.restore(s.ctx) }

// RemoteAddr returns the network address of the handshake.
func (s *Session) RemoteAddr() string { return s.request.addr }

// Context is done when the session is closed. Its values are those of Options.Context.
func (s *Session) Context() context.Context { return s.ctx }

// Transport returns the current transport, Polling or WebSocket.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport()
}

func (s *Session) transport() string {
	if s.conn != nil {
		return WebSocket
	}
	return Polling
}

// LastReceived returns the time of the last bytes from the client: a packet, a part of one, or a
// request.
func (s *Session) LastReceived() time.Time {
	return s.server.started.Add(time.Duration(s.received.Load()))
}

// Backlog reports whether further packets of the client have arrived after the one that the handler
// has. Only Handler.Message may call it. For a connection that is more than a socket, such as TLS,
// it may miss some.
func (s *Session) Backlog() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c := s.conn; {
	case s.posting != nil:
		return s.rest
	case c != nil && s.state != stateClosed:
		return c.unread()
	}
	return false
}

// Writable reports whether a message sent now would be written at once: the session's own queue is
// empty, and on polling a GET is waiting.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen && len(s.queue) == 0 && (s.conn != nil || s.waiting != nil)
}

// ReadyState returns "open", "closing" or "closed".
func (s *Session) ReadyState() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [...]string{stateOpen: "open", stateClosing: "closing", stateClosed: "closed"}[s.state]
}

// EndReason returns why the session is closing or closed, "" while it is open.
func (s *Session) EndReason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Closed reports whether the session is closed. A closing session is not.
func (s *Session) Closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateClosed
}

func (s *Session) touch() { s.received.Store(int64(time.Since(s.server.started))) }

// hold and release count the session's goroutines, so that Shutdown can wait for them.
func (s *Session) hold() { s.refs.Add(1) }

func (s *Session) release() {
	if s.refs.Add(-1) == 0 {
		s.server.left()
	}
}
