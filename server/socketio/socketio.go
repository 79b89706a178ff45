// Package socketio is a Socket.IO v5 server on engineio, with every room in the Hub.
//
// The package handles CONNECT, namespaces, order, acknowledgements, rooms and recovery.
// Applications answer the events of clients, see [App]: first the built-in events, then the
// handlers that Go code registers:
//
//	chat := server.Of("/chat")
//	chat.OnConnect(func(ctx context.Context, c *socketio.Conn) error {
//		c.Join("lobby")
//		return nil
//	})
//	chat.On("say", func(ctx context.Context, c *socketio.Conn, e *socketio.Event) error {
//		var text string
//		if err := e.Bind(&text); err != nil {
//			return err // the client gets it as the acknowledgement
//		}
//		_, err := chat.To("lobby").Emit("said", text)
//		return err
//	})
package socketio

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// Server serves Socket.IO. Any goroutine can call its methods; those that register something must
// be called before the first client connects.
type Server struct {
	opts   Options
	log    *zap.Logger
	hub    *notify.Hub
	engine *engineio.Server
	stop   context.CancelFunc

	apps       []mounted
	before     []func(context.Context, *Conn, *Event) error
	namespaces sync.Map // name -> *Namespace

	clients clients
	ending  ending
	noJSON  sync.Once // the log says that data of clients has no JSON
	workers workers
	unread  atomic.Int64 // bytes that wait for handlers
	panics  atomic.Uint64
	askIDs  atomic.Uint64
}

// New returns a Server, which the caller ends with Shutdown. An error names the invalid option.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{opts: o, log: o.Log, hub: o.Hub, stop: stop}
	builtin, own := builtinEvents{s}, handlers{s}
	s.Mount(builtin, builtin.serves)
	s.Mount(own, own.serves)
	s.engine = engineio.New(engineio.Options{
		PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, MaxPayload: o.MaxPayload,
		CheckOrigin: o.CheckOrigin, Gate: s.gate, Authorize: s.authorize,
		Context: newSessionContext, Accept: s.accept, ReceiveRate: o.ReceiveRate,
		Written: o.Metrics.Written, Tag: o.Tag, Foreign: o.Foreign,
	})
	s.workers.Go(func() { s.sweep(ctx) })
	return s, nil
}

// Hub returns the Hub that has the rooms.
func (s *Server) Hub() *notify.Hub { return s.hub }

// AuthMode returns how clients authenticate.
func (s *Server) AuthMode() auth.Mode { return s.opts.Auth.Mode() }

// Panics returns how many panics the server has recovered from.
func (s *Server) Panics() uint64 { return s.panics.Load() }

// Sessions returns the number of open Engine.IO sessions, including those without a CONNECT.
func (s *Server) Sessions() int { return s.engine.Len() }

// ServeHTTP answers Engine.IO requests at any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Shutdown is Drain over 1 ms for each client, or less if ctx has an earlier deadline.
func (s *Server) Shutdown(ctx context.Context) error { return s.end(ctx, s.engine.Shutdown(ctx)) }

// Drain refuses new clients and closes the transports of the others evenly over the time of spread.
// A client gets all packets and notifications that the server has accepted before it is closed, and
// no DISCONNECT, because it does not reconnect after one. Drain returns when the handlers have
// returned, or with the error of ctx.
func (s *Server) Drain(ctx context.Context, spread time.Duration) error {
	return s.end(ctx, s.engine.Drain(ctx, spread))
}

// end stops the heartbeats, after the end of all clients, and waits for the handlers.
func (s *Server) end(ctx context.Context, err error) error {
	s.stop()
	return errors.Join(err, s.workers.Wait(ctx))
}

// gate refuses handshakes until the Hub is ready, and those that Options.Gate refuses.
func (s *Server) gate(r *http.Request) error {
	if err := s.hub.Ready(); err != nil {
		return notReady{err}
	}
	if s.opts.Gate == nil {
		return nil
	}
	return s.opts.Gate(r)
}

// notReady is the error of a handshake before the Hub is ready.
type notReady struct{ error }

func (notReady) HTTPStatus() int           { return http.StatusServiceUnavailable }
func (notReady) RetryAfter() time.Duration { return 2 * time.Second }

// accept makes the client of a new session. It refuses the handshake while too many sessions have
// sent no CONNECT, or too many CONNECTs wait for the connect hook.
func (s *Server) accept(session *engineio.Session) (engineio.Handler, error) {
	if err := s.opts.Auth.Overloaded(contextOf(session).ip); err != nil {
		return nil, overloaded{err}
	}
	c, err := newClient(s, session)
	if err != nil {
		return nil, err
	}
	s.clients.add(c)
	session.SetSource(c)
	return c, nil
}

// overloaded is the error of a handshake for which the connect hook has no place.
type overloaded struct{ error }

func (overloaded) HTTPStatus() int           { return auth.ErrHookUnavailable.Status }
func (overloaded) RetryAfter() time.Duration { return auth.ErrHookUnavailable.RetryAfter }
