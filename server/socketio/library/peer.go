package library

import (
	"context"
	"sync"
	"sync/atomic"

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
	p.engine.Emit("data", &parser.Packet{Type: parser.CONNECT, Nsp: p.conn.Namespace(),
		Data: payload})
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
	once := sync.OnceFunc(func() {
		answer <- socket.NewExtendedError("Internal error", map[string]any{"code": "internal"})
	})
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

// peerOf returns the peer of a Socket.
func (f *facade) peerOf(sock *socket.Socket) *peer {
	if es, ok := sock.Conn().(*engineSocket); ok && es.peer.sock == sock {
		return es.peer
	}
	return nil
}
