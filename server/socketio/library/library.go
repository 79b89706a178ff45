// Package library shows a socketio.Server as the API of github.com/zishang520/socket.io/v2, for Go
// code that was written for that library. It is the only package that imports these modules.
//
// Package socketio implements transports, CONNECT, rooms, order, acknowledgements and recovery. The
// library only stores the handlers and calls them. It creates a Socket only for clients of a
// namespace that has a middleware or a "connection" handler, so a server without such handlers has
// no extra cost.
package library

import (
	"context"
	"sync"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/socketio"
)

// facade is the application behind the library's API.
type facade struct {
	srv    *socketio.Server
	log    *zap.Logger
	io     *socket.Server
	engine engine.BaseServer // emits "connection" to the library

	namespaces sync.Map // name -> *namespace
	creating   sync.Mutex
	sockets    sync.Map  // *socketio.Conn -> *peer
	restoring  sync.Map  // client id -> *peer, while the library creates its Socket
	watchers   sync.Map  // namespace -> *adapter with listeners
	observing  sync.Once // the Hub reports changes of rooms from then on
}

// Mount adds the library's API to a server and returns it. Register handlers on it before the first
// client connects. Mount logs refused calls to log, which may be nil. It panics when the version of
// the library is not the one that this package supports.
//
//	io := library.Mount(server, log)
//	io.On("connection", func(args ...any) {
//		client := args[0].(*socket.Socket)
//		client.On("say", func(args ...any) { io.Emit("said", args...) })
//	})
func Mount(srv *socketio.Server, log *zap.Logger) *socket.Server {
	if log == nil {
		log = zap.NewNop()
	}
	return newFacade(srv, log).io
}

// newFacade connects the library to a server.
func newFacade(srv *socketio.Server, log *zap.Logger) *facade {
	checkFields()
	f := &facade{srv: srv, log: log, engine: engine.MakeBaseServer()}
	f.engine = &engineServer{BaseServer: f.engine, srv: srv}
	opts := socket.DefaultServerOptions()
	opts.SetServeClient(false)
	opts.SetAllowEIO3(false)
	opts.SetParser(codec{f})
	opts.SetAdapter(adapters{f})
	opts.SetCleanupEmptyChildNamespaces(true)
	// Recovery makes the library use the id that the server chose for every Socket, and pass an
	// emit to one Socket to the adapter. Without the middlewares, a client that recovers would skip
	// the checks of Go code.
	recovery := &socket.ConnectionStateRecovery{}
	recovery.SetSkipMiddlewares(false)
	opts.SetConnectionStateRecovery(recovery)
	f.io = socket.NewServer(nil, opts)
	f.io.Bind(f.engine)
	srv.Mount(f, f.serves)
	return f
}

// serves reports whether handlers of the library may accept a client of a namespace.
func (f *facade) serves(name string) bool {
	if n, known := f.namespaces.Load(name); known {
		return name != notify.RootNamespace || n.(*namespace).hasHandlers()
	}
	return parentsOf(f.io) > 0
}

// Connect creates a Socket for the client and runs the middlewares.
func (f *facade) Connect(ctx context.Context, c *socketio.Conn) error {
	n, release, err := f.namespace(ctx, c)
	if err != nil {
		return err
	}
	defer release()
	if !n.hasHandlers() {
		return nil
	}
	p := newPeer(f, n, c, release)
	if err := p.connect(ctx); err != nil {
		f.sockets.Delete(c)
		p.end(socketio.ReasonForcedClose) // stops the timer of the library's Client
		return err
	}
	return nil
}

// Event runs the handlers of an event, in the client's worker.
func (f *facade) Event(_ context.Context, c *socketio.Conn, e *socketio.Event) bool {
	p := f.peer(c)
	return p != nil && p.event(e)
}

// Observe runs the handlers of a built-in event as well.
func (f *facade) Observe(ctx context.Context, c *socketio.Conn, e *socketio.Event) {
	f.Event(ctx, c, e)
}

// Disconnect runs the "disconnecting" and "disconnect" handlers.
func (f *facade) Disconnect(c *socketio.Conn, reason string) {
	if p, ok := f.sockets.LoadAndDelete(c); ok {
		p.(*peer).close(reason)
	}
}

// Data returns the data of the client's Socket.
func (f *facade) Data(c *socketio.Conn) any {
	if p := f.peer(c); p != nil && p.sock != nil {
		return p.sock.Data()
	}
	return nil
}

func (f *facade) peer(c *socketio.Conn) *peer {
	if p, ok := f.sockets.Load(c); ok {
		return p.(*peer)
	}
	return nil
}

// recovered contains a panic. Every goroutine that runs handlers of the library defers it.
func (f *facade) recovered(where string) {
	if v := recover(); v != nil {
		f.srv.Contain("library "+where, v)
	}
}
