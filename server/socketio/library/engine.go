package library

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	eiopacket "github.com/zishang520/engine.io-go-parser/packet"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/events"
	"github.com/zishang520/engine.io/v2/transports"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"

	"github.com/roomcast/roomcast/server/socketio"
)

// engineServer is the Engine.IO server that the library binds to. It has no transport, because
// package socketio accepts the clients.
type engineServer struct {
	engine.BaseServer
	srv *socketio.Server
}

// ClientsCount returns the number of open Engine.IO sessions.
func (e *engineServer) ClientsCount() uint64 { return uint64(e.srv.Sessions()) }

// Close closes every connection without a DISCONNECT, as a Node server does. socket.Server.Close
// calls it.
func (e *engineServer) Close() engine.BaseServer {
	for _, m := range e.srv.Hub().Members() {
		if c, ok := m.Owner().(*socketio.Conn); ok {
			c.Drop()
		}
	}
	return e
}

// engineSocket shows a Conn to the library as an Engine.IO connection. There is one for each
// namespace of a client, and one Client of the library for each. The methods of the embedded nil
// interface are internal to the engine; no other code calls them.
type engineSocket struct {
	engine.Socket
	events.EventEmitter
	peer *peer
}

func newEngineSocket(p *peer) *engineSocket {
	return &engineSocket{EventEmitter: events.New(), peer: p}
}

// Both embedded interfaces have these methods.

func (s *engineSocket) On(name events.EventName, fn ...events.Listener) error {
	return s.EventEmitter.On(name, fn...)
}
func (s *engineSocket) AddListener(name events.EventName, fn ...events.Listener) error {
	return s.EventEmitter.AddListener(name, fn...)
}
func (s *engineSocket) Once(name events.EventName, fn ...events.Listener) error {
	return s.EventEmitter.Once(name, fn...)
}
func (s *engineSocket) RemoveListener(name events.EventName, fn events.Listener) bool {
	return s.EventEmitter.RemoveListener(name, fn)
}
func (s *engineSocket) RemoveAllListeners(name events.EventName) bool {
	return s.EventEmitter.RemoveAllListeners(name)
}
func (s *engineSocket) Emit(name events.EventName, args ...any) {
	s.EventEmitter.Emit(name, args...)
}
func (s *engineSocket) EventNames() []events.EventName {
	return s.EventEmitter.EventNames()
}
func (s *engineSocket) ListenerCount(name events.EventName) int {
	return s.EventEmitter.ListenerCount(name)
}
func (s *engineSocket) Listeners(name events.EventName) []events.Listener {
	return s.EventEmitter.Listeners(name)
}
func (s *engineSocket) Clear()                { s.EventEmitter.Clear() }
func (s *engineSocket) GetMaxListeners() uint { return 0 } // no limit
func (s *engineSocket) SetMaxListeners(uint)  {}
func (s *engineSocket) Len() int              { return s.EventEmitter.Len() }

// Protocol returns the revision of Engine.IO. It is always 4, because package socketio refuses
// older clients.
func (s *engineSocket) Protocol() int         { return 4 }
func (s *engineSocket) Id() string            { return s.peer.conn.ID() }
func (s *engineSocket) RemoteAddress() string { return s.peer.conn.Handshake().Address }
func (s *engineSocket) Upgraded() bool {
	return s.peer.conn.Transport() == transports.WEBSOCKET
}
func (s *engineSocket) Upgrading() bool { return false }

// ReadyState returns "open" until the transport is closed. For a client that the library has begun
// to accept, it returns "open" until the library has decided: the library writes nothing to a
// closed connection, and connect waits for that write.
func (s *engineSocket) ReadyState() string {
	if s.peer.hasEnded() {
		return "closed"
	}
	return "open"
}

// Request returns the handshake request without its secrets. Each call makes a new one.
func (s *engineSocket) Request() *types.HttpContext {
	h := s.peer.conn.Handshake()
	u, err := url.ParseRequestURI(h.URL)
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	r := &http.Request{Method: http.MethodGet, URL: u, RequestURI: h.URL, Header: h.Headers.Clone(),
		RemoteAddr: h.Address,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Host = r.Header.Get("Host")
	if h.Secure {
		r.TLS = &tls.ConnectionState{}
	}
	c := types.NewHttpContext(discard{}, r)
	c.Flush() // ends the goroutine that waits for the response
	return c
}

// Transport returns a view of the transport's name and state.
func (s *engineSocket) Transport() transports.Transport {
	return &transportView{Transport: transports.MakeTransport(), conn: s.peer.conn}
}

// Write handles the packets of the library's Client: CONNECT, CONNECT_ERROR and DISCONNECT.
func (s *engineSocket) Write(
	r io.Reader, _ *eiopacket.Options, _ engine.SendCallback,
) engine.Socket {
	if w, ok := r.(*wirePacket); ok {
		s.peer.written(w.packet)
	}
	return s
}

// Send does the same as Write.
func (s *engineSocket) Send(
	r io.Reader, o *eiopacket.Options, cb engine.SendCallback,
) engine.Socket {
	return s.Write(r, o, cb)
}

// Close closes the transport. After a DISCONNECT of the library, as in Socket.Disconnect(true), all
// namespaces of the client get a DISCONNECT; otherwise none does.
func (s *engineSocket) Close(bool) {
	if s.peer.dismissed.Load() {
		s.peer.conn.CloseTransport()
		return
	}
	s.peer.conn.Drop()
}

// written carries out the decision of the library.
func (p *peer) written(packet *parser.Packet) {
	switch packet.Type {
	case parser.CONNECT:
		close(p.accepted)
	case parser.CONNECT_ERROR:
		message, data := "Internal error", any(nil)
		if fields, ok := packet.Data.(map[string]any); ok {
			if text, ok := fields["message"].(string); ok {
				message = text
			}
			data = fields["data"]
		}
		select {
		case p.refused <- socketio.Refuse(message, data):
		default: // connect has returned
		}
	case parser.DISCONNECT:
		p.dismissed.Store(true)
		p.conn.Close()
	}
}

// transportView has the methods of a transport that handlers use.
type transportView struct {
	transports.Transport
	conn *socketio.Conn
}

func (t *transportView) Name() string          { return t.conn.Transport() }
func (t *transportView) Writable() bool        { return t.conn.Context().Err() == nil }
func (t *transportView) SupportsFraming() bool { return t.Name() == transports.WEBSOCKET }
func (t *transportView) HandlesUpgrades() bool { return t.Name() == transports.WEBSOCKET }

func (t *transportView) ReadyState() string {
	if t.conn.Context().Err() != nil {
		return "closed"
	}
	return "open"
}

// handshakeAuth decodes the payload that the client sent with CONNECT.
func handshakeAuth(c *socketio.Conn) map[string]any {
	payload := map[string]any{}
	_ = json.Unmarshal(c.Handshake().Auth, &payload) // package socketio encoded it
	return payload
}

// discard is the ResponseWriter of a request that already has its response.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
