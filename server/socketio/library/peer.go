package library

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/socketio"
)

// peer is the library's Socket of a Conn.
type peer struct {
	f        *facade
	n        *namespace
	conn     *socketio.Conn
	engine   *engineSocket
	release  func() // other clients of the namespace may connect
	sock     *socket.Socket
	refused  chan error    // receives the refusal of a middleware
	accepted chan struct{} // closed when the library has accepted the client
	endings  *endings      // set with sock
	cleaned  chan struct{} // closed when the library has removed the Socket

	dismissed atomic.Bool // the library has sent a DISCONNECT

	mu        sync.Mutex
	entered   bool // the library decides, or has decided, about the client
	abandoned bool // the client closed before the library could decide
	left      bool // it is no longer in any room
	ended     bool // the library has received the "close" event
}

func newPeer(f *facade, n *namespace, c *socketio.Conn, release func()) *peer {
	p := &peer{f: f, n: n, conn: c, release: release,
		refused: make(chan error, 1), accepted: make(chan struct{}), cleaned: make(chan struct{})}
	p.engine = newEngineSocket(p)
	return p
}

// connect passes a CONNECT to the library and waits for its decision.
func (p *peer) connect(ctx context.Context) error {
	p.f.restoring.Store(p.conn.ID(), p)
	defer p.f.restoring.Delete(p.conn.ID())
	p.f.engine.Emit("connection", p.engine)
	payload := handshakeAuth(p.conn)
	// RestoreSession needs both. An empty offset would count as a missing one.
	payload["pid"], payload["offset"] = p.conn.ID(), "0"
	p.engine.Emit("data", &parser.Packet{Type: parser.CONNECT, Nsp: p.conn.Namespace(), Data: payload})
	select {
	case <-p.accepted:
		return nil
	case err := <-p.refused:
		return err
	case <-ctx.Done():
		if p.abandon() {
			return ctx.Err()
		}
	}
	// The library has decided or is about to. Its decision counts, because a client with a
	// "connection" event also needs its "disconnect".
	select {
	case <-p.accepted:
		return nil
	case err := <-p.refused:
		return err
	case <-p.cleaned:
		return ctx.Err()
	}
}

// created links the peer to the Socket that the library created for it.
func (p *peer) created(sock *socket.Socket) {
	p.sock = sock
	setRecovered(sock, p.conn.Recovered())
	if payload, ok := sock.Handshake().Auth.(map[string]any); ok {
		delete(payload, "pid") // only the library needs them
		delete(payload, "offset")
	}
	own := &emitter{EventEmitter: sock.StrictEventEmitter.EventEmitter, f: p.f}
	p.endings = newEndings(own)
	sock.StrictEventEmitter.EventEmitter = own
	// The library removes a dynamic namespace without Sockets, so this Socket is listed before the
	// middlewares run.
	sock.Nsp().Sockets().Store(sock.Id(), sock)
	p.f.sockets.Store(p.conn, p)
	p.release()
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
				default: // the panic came first
				}
			})
		})
	}()
	select {
	case err := <-answer:
		return err
	case <-p.conn.Context().Done():
		return socket.NewExtendedError("the client has disconnected", nil)
	}
}

// enter reports whether the library may decide about the client. After true, abandon has no effect.
func (p *peer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = !p.abandoned
	return p.entered
}

// abandon ends a peer whose client closed while a middleware ran. It returns false when the library
// has decided or is about to.
func (p *peer) abandon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entered {
		return false
	}
	p.abandoned = true
	if p.sock != nil {
		p.sock.Nsp().Remove(p.sock)
	}
	return true
}

// event runs the listeners of an event. It first waits for the "connection" handlers, which
// register them.
func (p *peer) event(e *socketio.Event) (handled bool) {
	<-p.endings.joined
	args, err := e.Values()
	if err != nil {
		p.conn.Drop()
		return true
	}
	if !p.sock.Connected() {
		return true
	}
	event := append([]any{e.Name}, buffers(args)...)
	if e.WantsAck() {
		event = append(event, socket.Ack(func(values []any, _ error) { e.Ack(values...) }))
	}
	for _, listener := range p.sock.ListenersAny() {
		handled = true
		listener(event...)
	}
	return p.use(event, middlewaresOf(p.sock)) || handled
}

// use runs the functions given to socket.Use, then the handlers. Each function may change the
// event. An error becomes the "error" event of the Socket. A function may also answer after it
// returns, or never: the client's next event does not wait for it.
func (p *peer) use(event []any, fns []socket.SocketMiddleware) (handled bool) {
	for i, f := range fns {
		answered, err := callOne(f, event, func(err error) {
			p.conn.Do(func() {
				if err != nil {
					p.sock.EmitReserved("error", err)
					return
				}
				p.use(event, fns[i+1:])
			})
		})
		if err != nil {
			p.sock.EmitReserved("error", err)
		}
		if err != nil || !answered {
			return true
		}
	}
	return p.handle(event)
}

// callOne runs one function and returns its answer if it answers before it returns. It passes a
// later answer to later. Only the first answer counts.
func callOne(f socket.SocketMiddleware, event []any, later func(error)) (answered bool, err error) {
	var (
		mu               sync.Mutex
		called, returned bool
		answer           error
	)
	f(event, func(err error) {
		mu.Lock()
		first, late := !called, returned
		if first {
			called, answer = true, err
		}
		mu.Unlock()
		if first && late {
			later(err)
		}
	})
	mu.Lock()
	defer mu.Unlock()
	returned = true
	return called, answer
}

// handle runs the handlers of an event unless the client has left.
func (p *peer) handle(event []any) (handled bool) {
	if !p.sock.Connected() {
		return true
	}
	for _, listener := range p.sock.Listeners(event[0].(string)) {
		handled = true
		listener(event[1:]...)
	}
	return handled
}

// close ends the Socket. It first waits for the "connection" handlers, which register the listeners
// of the end.
func (p *peer) close(reason string) {
	<-p.accepted // Disconnect is called only for accepted clients
	<-p.endings.joined
	p.end(reason)
	if p.sock.Connected() {
		// Socket.Disconnect(true) on another goroutine ended the library's Client before the Client
		// had this Socket.
		p.sock.Disconnect(false)
	}
}

// end reports the end of the connection to the library.
func (p *peer) end(reason string) {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.engine.Emit("close", reason, "")
}

// hasEnded reports whether the transport is closed and the library is not deciding about the
// client.
func (p *peer) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn.Context().Err() != nil && (p.ended || !p.entered)
}

// clean marks that the client is no longer in any room. The adapter calls it when the library
// removes the Socket.
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
	return p.left && !p.endings.isDisconnecting()
}

// buffers replaces each []byte with the library's type for binary data.
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

// peerOf returns the peer of a Socket.
func (f *facade) peerOf(sock *socket.Socket) *peer {
	if es, ok := sock.Conn().(*engineSocket); ok && es.peer.sock == sock {
		return es.peer
	}
	return nil
}
