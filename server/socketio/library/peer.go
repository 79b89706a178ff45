package library

import (
	"context"
	"sync"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/socketio"
)

// peer is the library's Socket of a Conn.
type peer struct {
	f       *facade
	n       *namespace
	conn    *socketio.Conn
	engine  *engineSocket
	listed  func() // the namespace has the Socket: it may end, and others may be made
	sock    *socket.Socket
	refused chan error    // one, when a middleware says no
	let     chan struct{} // closed when the library has let the client in
	joined  chan struct{} // closed when the "connection" handlers have run
	cleaned chan struct{} // closed when the library has let go of the Socket

	mu      sync.Mutex
	entered bool // the library decides about it now
	gone    bool // its client went before that
	left    bool // it has no rooms any more
}

func newPeer(f *facade, n *namespace, c *socketio.Conn, listed func()) *peer {
	p := &peer{f: f, n: n, conn: c, listed: listed,
		refused: make(chan error, 1), let: make(chan struct{}), joined: make(chan struct{}), cleaned: make(chan struct{})}
	p.engine = newEngineSocket(p)
	return p
}

// connect hands a CONNECT to the library and waits for what it makes of it.
func (p *peer) connect(ctx context.Context) error {
	p.f.restoring.Store(p.conn.ID(), p)
	defer p.f.restoring.Delete(p.conn.ID())
	p.f.engine.Emit("connection", p.engine)
	payload := handshakeAuth(p.conn)
	payload["pid"], payload["offset"] = p.conn.ID(), "0" // for RestoreSession; an empty offset is none
	p.engine.Emit("data", &parser.Packet{Type: parser.CONNECT, Nsp: p.conn.Namespace(), Data: payload})
	select {
	case <-p.let:
		return nil
	case err := <-p.refused:
		return err
	case <-ctx.Done():
		if p.abandon() {
			return ctx.Err()
		}
	}
	// The library has decided, or is about to: what it says counts, or "connection" would have no "disconnect".
	select {
	case <-p.let:
		return nil
	case err := <-p.refused:
		return err
	case <-p.cleaned:
		return ctx.Err()
	}
}

// made is told which Socket the library has made.
func (p *peer) made(sock *socket.Socket) {
	p.sock = sock
	setRecovered(sock, p.conn.Recovered())
	if payload, ok := sock.Handshake().Auth.(map[string]any); ok {
		delete(payload, "pid") // the library has read them, and handlers have no use for them
		delete(payload, "offset")
	}
	listeners := sock.StrictEventEmitter
	listeners.EventEmitter = newOnceEmitter(p.f, listeners.EventEmitter, "disconnecting", "disconnect")
	// The library removes a dynamic namespace that has no sockets, so this one is listed before the middlewares run.
	sock.Nsp().Sockets().Store(sock.Id(), sock)
	p.listed()
}

// askOne runs one middleware and waits for its answer.
func (p *peer) askOne(f socket.NamespaceMiddleware) *socket.ExtendedError {
	answer := make(chan *socket.ExtendedError, 1)
	once := sync.OnceFunc(func() { answer <- socket.NewExtendedError("Internal error", map[string]any{"code": "internal"}) })
	func() {
		defer func() {
			if v := recover(); v != nil {
				p.f.srv.Contain("library middleware", v)
				once()
			}
		}()
		var answered sync.Once
		f(p.sock, func(err *socket.ExtendedError) {
			answered.Do(func() {
				select {
				case answer <- err:
				default: // the panic was first
				}
			})
		})
	}()
	select {
	case err := <-answer:
		return err
	case <-p.conn.Context().Done():
		return socket.NewExtendedError("the client has gone", nil)
	}
}

// enter is asked before the library decides about the client; it is refused once the client has gone.
func (p *peer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = !p.gone
	return p.entered
}

// abandon ends a peer whose client went while a middleware ran. It reports false when the library has decided, or is
// about to.
func (p *peer) abandon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered {
		return false
	}
	p.gone = true
	if p.sock != nil {
		p.sock.Nsp().Remove(p.sock)
	}
	return true
}

// event runs the middlewares of socket.Use and the handlers of an event. It waits for the "connection" handlers, which
// register them.
func (p *peer) event(ctx context.Context, e *socketio.Event) (handled bool) {
	select {
	case <-p.joined:
	case <-ctx.Done():
		return true
	}
	args, err := e.Values()
	if err != nil {
		p.conn.CloseTransport()
		return true
	}
	if !p.sock.Connected() {
		return true
	}
	args = buffers(args)
	if e.WantsAck() {
		args = append(args, socket.Ack(func(values []any, _ error) { e.Ack(values...) }))
	}
	if handled, passed := p.use(e, args); !passed {
		return handled
	}
	for _, listener := range p.sock.ListenersAny() {
		handled = true
		listener(append([]any{e.Name}, args...)...)
	}
	for _, listener := range p.sock.Listeners(e.Name) {
		handled = true
		listener(args...)
	}
	return handled
}

// use runs the functions given to socket.Use, one after the other. An error is the Socket's "error" event, as in Node.
func (p *peer) use(e *socketio.Event, args []any) (handled, passed bool) {
	for _, f := range middlewaresOf(p.sock) {
		answer := make(chan error, 1)
		f(append([]any{e.Name}, args...), func(err error) {
			select {
			case answer <- err:
			default: // it has answered
			}
		})
		select {
		case err := <-answer:
			if err != nil {
				p.sock.EmitReserved("error", err)
				return true, false
			}
		case <-p.conn.Context().Done():
			return true, false
		}
	}
	return false, true
}

// close ends the Socket. Handlers that the "connection" handler registers are told, so that one is waited for.
func (p *peer) close(reason string) {
	select {
	case <-p.joined:
	case <-p.let:
		<-p.joined
	default:
		return // the library has not let it in
	}
	p.engine.Emit("close", reason, "")
}

// clean is called when the library lets go of the Socket: it is in no room from then on.
func (p *peer) clean() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.left {
		p.left = true
		close(p.cleaned)
	}
}

func (p *peer) hasLeft() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

// buffers puts the library's type for binary into the place of []byte.
func buffers(values []any) []any {
	for i, v := range values {
		values[i] = buffer(v)
	}
	return values
}

func buffer(v any) any {
	switch t := v.(type) {
	case []byte:
		return types.NewBytesBuffer(t)
	case []any:
		return buffers(t)
	case map[string]any:
		for key, value := range t {
			t[key] = buffer(value)
		}
	}
	return v
}

// peerOf is the peer of a Socket.
func (f *facade) peerOf(sock *socket.Socket) *peer {
	if es, ok := sock.Conn().(*engineSocket); ok && es.peer.sock == sock {
		return es.peer
	}
	return nil
}
