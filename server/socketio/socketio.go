// Package socketio is a Socket.IO v5 server on engineio: namespaces, acknowledgements and recovery, with
// every room in the Hub.
package socketio

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// Options configures the Socket.IO side of a Server. Hub and Auth must be given;
// the zero value of the rest means the default named beside it.
type Options struct {
	Hub    *notify.Hub
	Auth   *auth.Authenticator
	Log    *zap.Logger // none
	Limits Limits      // no limits

	Metrics Metrics // nil: nothing is counted

	PingInterval   time.Duration            // between two pings (25 s)
	PingTimeout    time.Duration            // for the answer to one (60 s)
	ConnectTimeout time.Duration            // from the handshake to the first CONNECT (10 s)
	MaxPayload     int                      // bytes of one message, its attachments included (1,000,000)
	CheckOrigin    func(*http.Request) bool // nil = the request's own host

	Heartbeat       time.Duration // between two heartbeat events (30 s); below 0 = none
	SweepInterval   time.Duration // how often idle connections are looked for (5 s)
	InactiveTimeout time.Duration // without a byte from the client, PONG included (5 min)

	As              []string // names of notifications ("type": their own)
	DefaultChannels []string // joined by every connection that may
	MaxRooms        int      // channels a client may ask for (64)

	RateInterval time.Duration // between two events of one client (off)
	RateBurst    int           // events at once (20)

	// DisableRecovery sends no session id and appends no notification id to events.
	DisableRecovery bool
	// Plain is a Socket.IO server without anything of ours: no events, no default
	// rooms, no recovery. The official protocol suites expect one.
	Plain bool
}

func (o *Options) recovery() bool { return !o.DisableRecovery && !o.Plain }

func (o *Options) setDefaults() {
	setDefault(&o.PingInterval, 25*time.Second)
	setDefault(&o.PingTimeout, 60*time.Second)
	setDefault(&o.ConnectTimeout, 10*time.Second)
	setDefault(&o.MaxPayload, 1_000_000)
	setDefault(&o.Heartbeat, 30*time.Second)
	setDefault(&o.SweepInterval, 5*time.Second)
	setDefault(&o.InactiveTimeout, 5*time.Minute)
	setDefault(&o.MaxRooms, 64)
	setDefault(&o.RateBurst, 20)
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Limits == nil {
		o.Limits = noLimits{}
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// Server is the Socket.IO server: the library's namespaces, sockets and handlers
// on our Engine.IO transport, with every room in the Hub. Safe for concurrent use.
type Server struct {
	opts   Options
	log    *zap.Logger
	hub    *notify.Hub
	engine *engineio.Server
	binder *engineServer
	io     *socket.Server
	stop   context.CancelFunc

	links      links
	peers      peers
	namespaces sync.Map     // name -> socket.Namespace
	restoring  sync.Map     // pid -> *peer that resumes that session right now
	guards     sync.RWMutex // held while "connection" is emitted, see guardNamespace
	creating   sync.Mutex   // one dynamic namespace is made at a time
	workers    workers
	panics     atomic.Uint64

	mu      sync.Mutex
	onEvent []func(context.Context, Event) error
}

// New returns a Server that is ready to be mounted; Shutdown ends it.
func New(o Options) (*Server, error) {
	if o.Hub == nil || o.Auth == nil {
		return nil, errors.New("server: Options.Hub and Options.Auth are needed")
	}
	o.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{opts: o, log: o.Log, hub: o.Hub, stop: stop}
	s.engine = engineio.New(engineio.Options{
		PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, MaxPayload: o.MaxPayload,
		CheckOrigin: o.CheckOrigin, Admit: s.admit, Accept: s.accept, Written: o.Metrics.Written,
	})
	s.binder = newEngineServer(s)
	s.io = s.newLibrary()
	s.workers.Go(func() { s.sweep(ctx) })
	return s, nil
}

// newLibrary is the library with its parser, adapter and engine replaced.
func (s *Server) newLibrary() *socket.Server {
	opts := socket.DefaultServerOptions()
	opts.SetServeClient(false)
	opts.SetAllowEIO3(false)
	opts.SetConnectTimeout(s.opts.ConnectTimeout)
	opts.SetParser(codec{s.log})
	opts.SetAdapter(adapters{s})
	opts.SetCleanupEmptyChildNamespaces(true)
	// With it an emit to one socket reaches the adapter, so that the Hub keeps it
	// in order and within bounds; what a client sees of recovery is ours to decide.
	// Without middlewares a restored client would skip the checks of Go code.
	recovery := &socket.ConnectionStateRecovery{}
	recovery.SetSkipMiddlewares(false)
	opts.SetConnectionStateRecovery(recovery)
	io := socket.NewServer(nil, opts)
	_ = io.On("new_namespace", func(args ...any) {
		// A dynamic namespace has just replaced its middlewares by its parent's.
		if nsp, ok := args[0].(socket.Namespace); ok {
			s.guardNamespace(nsp)
		}
	})
	io.Bind(s.binder)
	return io
}

// IO is the library's server, on which Go code registers handlers and emits to
// rooms. Use OnEvent in the place of socket.Use, and Ask in the place of a
// broadcast with acknowledgement.
func (s *Server) IO() *socket.Server { return s.io }

// Panics counts the panics of handlers that were contained.
func (s *Server) Panics() uint64 { return s.panics.Load() }

// ServeHTTP answers Engine.IO requests, whatever the path it is mounted at.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Shutdown lets nobody in any more, writes what is queued, and closes every
// transport, spread over the time that ctx gives. Clients get no DISCONNECT, since
// they would not come back after one.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	return errors.Join(s.engine.Shutdown(ctx), s.workers.Wait(ctx))
}

// accept takes a new session over from the engine.
func (s *Server) accept(session *engineio.Session) engineio.Handler {
	l := newLink(s, session)
	if l.admission == nil {
		return nil
	}
	s.links.add(l)
	session.SetSource(l)
	s.binder.Emit("connection", l.socket)
	return l
}

func (s *Server) logEncodeError(namespace string, err error) {
	s.log.Error("packet cannot be encoded", zap.String("namespace", namespace), zap.Error(err))
}

// links are the open links.
type links struct {
	mu  sync.Mutex
	set map[*link]struct{}
}

func (s *links) add(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[*link]struct{})
	}
	s.set[l] = struct{}{}
}

func (s *links) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, l)
}

func (s *links) all() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*link, 0, len(s.set))
	for l := range s.set {
		all = append(all, l)
	}
	return all
}

// AuthMode is how clients say who they are.
func (s *Server) AuthMode() auth.Mode { return s.opts.Auth.Mode() }

// Sessions is the number of open Engine.IO sessions, those without a CONNECT
// included.
func (s *Server) Sessions() int { return s.engine.Len() }
