package socketio

import (
	"io"
	"net/http"
	"net/url"
	"sync"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
)

// engineServer is what the library binds to. It has no transport of its own:
// sessions come from engineio, since the library's engine closes healthy
// clients and has no hook to mend that.
type engineServer struct {
	engine.BaseServer
	srv *Server
}

func newEngineServer(srv *Server) *engineServer {
	return &engineServer{BaseServer: engine.MakeBaseServer(), srv: srv}
}

// ClientsCount is the number of open Engine.IO sessions.
func (e *engineServer) ClientsCount() uint64 { return uint64(e.srv.engine.Len()) }

// Close closes every session; it is what socket.Server.Close ends in.
func (e *engineServer) Close() engine.BaseServer {
	for _, l := range e.srv.links.all() {
		l.session.Close(reasonShutdown)
	}
	return e
}

// engineSocket shows one link to the library's Client as the engine.Socket it
// expects. Methods of the embedded nil interface are the engine's own business;
// nothing outside the engine calls them.
type engineSocket struct {
	engine.Socket
	events events.EventEmitter
	link   *link

	mu      sync.Mutex
	context *types.HttpContext // kept while the library makes its handshake of it
}

func newEngineSocket(l *link) *engineSocket {
	return &engineSocket{events: events.New(), link: l}
}

func (s *engineSocket) On(name events.EventName, fn ...events.Listener) error {
	return s.events.On(name, fn...)
}

func (s *engineSocket) AddListener(name events.EventName, fn ...events.Listener) error {
	return s.events.AddListener(name, fn...)
}

func (s *engineSocket) Once(name events.EventName, fn ...events.Listener) error {
	return s.events.Once(name, fn...)
}

func (s *engineSocket) RemoveListener(name events.EventName, fn events.Listener) bool {
	return s.events.RemoveListener(name, fn)
}

func (s *engineSocket) RemoveAllListeners(name events.EventName) bool {
	return s.events.RemoveAllListeners(name)
}

func (s *engineSocket) Emit(name events.EventName, args ...any) { s.events.Emit(name, args...) }
func (s *engineSocket) EventNames() []events.EventName          { return s.events.EventNames() }
func (s *engineSocket) ListenerCount(name events.EventName) int { return s.events.ListenerCount(name) }
func (s *engineSocket) Clear()                                  { s.events.Clear() }
func (s *engineSocket) GetMaxListeners() uint                   { return 0 } // as many as there are
func (s *engineSocket) SetMaxListeners(uint)                    {}
func (s *engineSocket) Len() int                                { return s.events.Len() }

func (s *engineSocket) Listeners(name events.EventName) []events.Listener {
	return s.events.Listeners(name)
}

// Protocol is the revision of Engine.IO, 4: older clients never get here.
func (s *engineSocket) Protocol() int         { return 4 }
func (s *engineSocket) Id() string            { return s.link.session.ID() }
func (s *engineSocket) RemoteAddress() string { return s.link.session.RemoteAddr() }
func (s *engineSocket) Upgraded() bool        { return s.link.session.Transport() == transports.WEBSOCKET }
func (s *engineSocket) Upgrading() bool       { return false }

// ReadyState is "open" until the transport is gone; the library writes nothing
// to a session that is not open.
func (s *engineSocket) ReadyState() string {
	if s.link.isClosed() {
		return "closed"
	}
	return "open"
}

// Request is the handshake request without its secrets: handlers and
// FetchSockets see it.
func (s *engineSocket) Request() *types.HttpContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.context == nil {
		s.context = types.NewHttpContext(discard{}, withoutSecrets(s.link.session.Request()))
		s.context.Flush() // ends the goroutine that waits for an answer to be written
	}
	return s.context
}

// forgetRequest gives back what Request keeps; it is made anew when asked for.
func (s *engineSocket) forgetRequest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.context = nil
}

// Transport tells the name and state of the transport.
func (s *engineSocket) Transport() transports.Transport {
	return &transportView{Transport: transports.MakeTransport(), session: s.link.session}
}

// Write takes the packets of the library's Client. Anything that did not come
// from our encoder is not a packet and is dropped.
func (s *engineSocket) Write(r io.Reader, _ *eiopacket.Options, _ engine.SendCallback) engine.Socket {
	if w, ok := r.(*wirePacket); ok {
		s.link.sendPacket(w)
	}
	return s
}

// Send is Write.
func (s *engineSocket) Send(r io.Reader, o *eiopacket.Options, cb engine.SendCallback) engine.Socket {
	return s.Write(r, o, cb)
}

// Close closes the transport.
func (s *engineSocket) Close(bool) {
	s.link.mu.Lock()
	s.link.closing = true
	s.link.mu.Unlock()
	s.link.session.Close(reasonForced)
}

// transportView answers the questions about a transport that handlers ask.
type transportView struct {
	transports.Transport
	session interface {
		Transport() string
		Writable() bool
	}
}

func (t *transportView) Name() string          { return t.session.Transport() }
func (t *transportView) Writable() bool        { return t.session.Writable() }
func (t *transportView) Protocol() int         { return 4 }
func (t *transportView) HandlesUpgrades() bool { return t.Name() == transports.WEBSOCKET }

// withoutSecrets clones the handshake request and drops what proves who the
// client is.
func withoutSecrets(r *http.Request) *http.Request {
	clean := new(http.Request)
	*clean = *r
	clean.Header = r.Header.Clone()
	clean.Header.Del("Authorization")
	clean.Header.Del("Cookie")
	for _, cookie := range r.Cookies() {
		if cookie.Name != "auth_token" {
			clean.AddCookie(cookie)
		}
	}
	query := r.URL.Query()
	query.Del("token")
	query.Del("ticket")
	clean.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	clean.RequestURI = clean.URL.RequestURI()
	return clean
}

// discard is the answer of a request that was answered long ago.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
