// Package server opens listeners, mounts the transports and the API on them, and drains.
package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/forward"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/presence"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// Options are the parts of a Service and its settings. Hub, SocketIO and Streams are required.
// Start from DefaultOptions: New takes a zero as zero.
type Options struct {
	Hub      *notify.Hub
	SocketIO *socketio.Server
	Streams  *sse.Handler
	Console  http.Handler // serves `/`, or `/console` with Upstream; may be nil
	Upstream *url.URL     // origin of the application that serves all other paths; may be nil

	SocketIOPaths []string // of Engine.IO requests; none: no Socket.IO; default /socket.io
	// ClientFiles are served below SocketIOPaths. nil or without a source: Upstream answers, if
	// there is one.
	ClientFiles *clientfiles.Files
	SSEPath     string // of streams, also below /api; "": no streams; default /sse
	// Answers are the stores for the answers to requests with an Idempotency-Key. With nil they are in
	// memory.
	Answers api.Answers

	// Bus reaches the other nodes of a cluster. The Service does not close it. nil: there are none.
	Bus api.Bus

	// APIKeys are those of backends, see auth.ParseAPIKey; none: the API refuses all requests.
	APIKeys      []string
	PublishRate  int           // notifications per second and API key; 0, the default: no limit
	PublishBurst int           // notifications that each API key may publish at once
	Tickets      *auth.Tickets // for the API to issue; nil: it issues none
	// KeySet is the key set of the authenticator: /readyz reports 503 until it has keys. nil: none.
	KeySet *auth.KeySet
	// Hooks are closed when all connections have ended; nil: none.
	Hooks interface{ Close() }

	// AllowOrigin reports whether a page of this origin may send the request. nil allows the
	// request's own host only.
	AllowOrigin func(origin string, r *http.Request) bool
	// AllowHost reports whether the server answers requests with this Host header. nil allows all.
	AllowHost      func(host string) bool
	TrustedProxies []netip.Prefix // proxies whose X-Forwarded-For the server trusts

	// Listener is a socket that somebody else has opened, such as systemd, and that stays open when
	// the process ends. Serve then ignores the address. The drain closes it first: clients that
	// connect from then on wait for the next process. nil: Serve opens a listener.
	Listener net.Listener

	// SocketMode has the permissions of unix sockets; the default is 0660.
	SocketMode os.FileMode

	CertFile, KeyFile string // of TLS; without both the server speaks plain HTTP
	// CertInterval is the time between two looks at these files. A pair that is new, and the same at
	// two looks, is used for later handshakes. With 0 only Reload reads them again. The default is 10
	// seconds.
	CertInterval time.Duration

	// Certificates gets the certificates of the listener by itself, instead of CertFile and KeyFile.
	// The Service closes it. PlainAddr is then the address of a listener without TLS that it answers;
	// "": there is none. nil: CertFile and KeyFile decide.
	Certificates Certificates
	PlainAddr    string

	// DrainTimeout is the time in which connections and requests can end after the context of Serve
	// is done. The server closes the connections evenly over four fifths of it, at least four per
	// second of each transport. With 0 the server cuts them at once. The default is 25 seconds.
	DrainTimeout time.Duration
	// DrainRate is how many connections per second, both transports together, the server closes in
	// that time at least. With 0, the default, the time alone decides.
	DrainRate int
	// Stored tells that notifications and tickets outlive the process: a drain accepts publishes and
	// requests for tickets until the end instead of refusing them.
	Stored bool

	// SweepInterval is the time between two searches for dead streams: streams without a successful
	// write for InactiveTimeout. With 0 in one of them the server does not search. The defaults are
	// 5 seconds and 5 minutes.
	SweepInterval, InactiveTimeout time.Duration

	Descriptors *limit.Descriptors // nil: open files are not counted
	Memory      *limit.Memory      // nil: no limit of memory

	Webhooks Webhooks // nil: none

	// Forward passes requests for sessions and streams of other nodes to them. It is also that of
	// SocketIO, and its tag that of Streams. nil: there are no other nodes.
	Forward *forward.Forwarder

	Audit             *edge.Audit      // gets what backends and operators do; nil: nobody does
	Tracer            api.Tracer       // traces requests of backends; nil: nobody does
	Log               *zap.Logger      // nil: no log
	ConnectionUpdates bool             // announce to all connections when one opens or closes
	Admin             AdminOptions     // the listener for operators
	Metrics           *metrics.Metrics // the ones of SocketIO and Streams; nil: new ones of the Hub
}

// Certificates gets certificates from an authority that calls the listeners, such as acme.Manager.
type Certificates interface {
	http.Handler // of requests without TLS
	// Start begins when the listeners are open; plain may be nil. It does not wait for certificates.
	Start(https, plain net.Addr) error
	TLSConfig() *tls.Config
	Close()
}

// Webhooks tell the application about users and connections, such as hooks.Webhooks.
type Webhooks interface {
	User(presence.Change) // a user came online or went offline; it must not block
	Stopping()            // what ends from now on is no absence: clients reconnect
	// Drain sends what is queued until ctx is done, and ends the webhooks. Further calls do nothing.
	Drain(ctx context.Context)
}

// DefaultOptions returns the options of a service that needs no others than its parts and the keys
// of backends.
func DefaultOptions() Options {
	return Options{
		SocketIOPaths: []string{"/socket.io"}, SSEPath: "/sse",
		DrainTimeout: 25 * time.Second, SweepInterval: 5 * time.Second,
		InactiveTimeout: 5 * time.Minute, CertInterval: 10 * time.Second,
		SocketMode: 0o660,
	}
}

// Service serves everything from one listener.
type Service struct {
	o        Options
	keys     *api.Keyring
	settings settings
	health   health
	presence *presence.Users
	updates  *presence.Connections // nil: no updates
	upstream *upstream             // nil without UPSTREAM_URL

	certificate certificate
}

// New returns a Service. Serve takes the parts over and ends them. The Hub must have no members
// yet, because the Service announces users in the channel `presence` from their first connection
// on.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = metrics.New(o.Hub)
	}
	o.Metrics.WatchMemory(o.Memory)
	if o.Forward != nil {
		o.Metrics.WatchForwards(o.Forward.Counts)
	}
	if o.AllowOrigin == nil {
		o.AllowOrigin = edge.OwnOrigin
	}
	logConnections(o.Hub, o.Log)
	var observe func(presence.Change)
	if o.Webhooks != nil {
		observe = o.Webhooks.User
	}
	s := &Service{o: o, presence: presence.AnnounceUsers(o.Hub, o.Log, observe),
		keys: api.NewKeyring(o.APIKeys, o.PublishRate, o.PublishBurst, o.Answers)}
	s.settings.set(o)
	s.health.log, s.health.keys = o.Hub.Ready, o.KeySet
	if o.ConnectionUpdates {
		s.updates = presence.AnnounceConnections(o.Hub, o.Log)
	}
	if o.Upstream != nil {
		s.upstream = newUpstream(o.Upstream, o.TrustedProxies, o.Descriptors, o.Log)
	}
	return s
}

// StreamAdmission returns a function for sse.Options that counts EventSource streams against the
// limits.
func StreamAdmission(limits *limit.Limiter) func(*http.Request, auth.Identity) (func(), error) {
	return func(r *http.Request, id auth.Identity) (func(), error) {
		release, err := limits.AcquireStream(edge.ClientIP(r), id.RoomUser())
		if err != nil {
			// The client gets the error in a stream with status 200, so the code is for the
			// metrics.
			edge.InfoOf(r).Code = edge.CodeTooManyConnections
			// The first error has the status and the delay.
			return nil, fmt.Errorf("%w: %w", err, sse.ErrOverloaded)
		}
		return release, nil
	}
}

// StreamAddress returns the address of a client, for sse.Options.Address: that which the limits of
// connections count.
func StreamAddress(r *http.Request) netip.Addr { return limit.Bucket(edge.ClientIP(r)) }

// Serve listens on address ("host:port", or "unix:" and a path) and serves until ctx is done. Then it reports not ready,
// refuses publishes, flushes and closes the connections spread over DrainTimeout, and returns nil.
// Serve calls ready, which may be nil, with the address of the listener.
func (s *Service) Serve(ctx context.Context, address string, ready func(net.Addr)) error {
	defer s.endWebhooks() // if nothing was drained
	if s.o.Certificates != nil {
		defer s.o.Certificates.Close()
	}
	err := s.certificate.load(s.o.CertFile, s.o.KeyFile)
	if err != nil {
		s.closeListeners()
		_ = s.close(context.WithoutCancel(ctx), pace{})
		return err
	}
	listener, err := s.listen(ctx, address)
	if err != nil {
		s.closeListeners()
		_ = s.close(context.WithoutCancel(ctx), pace{})
		return err
	}
	operators, err := s.startAdmin(ctx)
	if err != nil {
		_ = listener.Close()
		s.closeListeners()
		_ = s.close(context.WithoutCancel(ctx), pace{})
		return err
	}
	defer operators.close() // after the drain, so that metrics show it
	plain, err := s.startCertificates(ctx, listener.Addr())
	if err != nil {
		_ = listener.Close()
		s.closeListeners()
		_ = s.close(context.WithoutCancel(ctx), pace{})
		return err
	}
	defer plain.close()
	srv := newHTTPServer(s.Handler(), s.o.Log)
	limit.Hear(srv)
	srv.ConnState = limit.NewIdle(s.addressOf).Note
	var unheard newcomers
	if s.o.Listener != nil {
		unheard.watch(srv)
	}
	failed := make(chan error, 1)
	accepting := newCounted(listener, s.o.Descriptors, false, s.o.TrustedProxies, s.o.Log)
	go func() { failed <- s.serve(srv, accepting) }()
	defer s.watchCertificate()()
	sweep, stop := every(s.o.SweepInterval)
	defer stop()
	defer s.watchMemory()()
	look, stopLooking := every(s.lookInterval())
	defer stopLooking()
	if ready != nil {
		ready(listener.Addr())
	}
	for idleKept := true; ; {
		select {
		case now := <-sweep:
			if s.o.InactiveTimeout > 0 {
				s.o.Streams.Sweep(now, s.o.InactiveTimeout)
			}
		case <-look:
			idleKept = keepIdle(srv, s.o.Descriptors, s.o.Log, idleKept)
		case err := <-failed:
			_ = s.close(context.WithoutCancel(ctx), pace{})
			return err
		case <-ctx.Done():
			if s.o.Listener != nil {
				_ = accepting.Close() // also while it waits for free descriptors
				<-failed              // so nothing is accepted any more
				unheard.wait(min(newcomerWait, s.settings.load().drainTimeout))
			}
			return s.drain(context.WithoutCancel(ctx), srv)
		}
	}
}

// listen returns the listener of the options, or opens one.
func (s *Service) listen(ctx context.Context, address string) (net.Listener, error) {
	if s.o.Listener == nil {
		return listen(ctx, address, s.o.SocketMode)
	}
	return adopt(s.o.Listener)
}

// closeListeners closes the listeners of the options after a failed start.
func (s *Service) closeListeners() {
	for _, l := range []net.Listener{s.o.Listener, s.o.Admin.Listener} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// watchCertificate takes over certificates that are new until stop is called.
func (s *Service) watchCertificate() (stop func()) {
	if !s.certificate.isSet() || s.o.CertInterval <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { s.certificate.watch(ctx, s.o.CertInterval, s.o.Log) })
	return func() { cancel(); watch.Wait() }
}

// lookInterval is the time between two looks at the number of open files; 0 without a limit.
func (s *Service) lookInterval() time.Duration {
	if s.o.Descriptors == nil {
		return 0
	}
	return 50 * time.Millisecond
}

// serve serves HTTPS when there is a certificate, else HTTP.
func (s *Service) serve(srv *http.Server, l net.Listener) error {
	switch {
	case s.o.Certificates != nil:
		return serveTLS(srv, l, s.o.Certificates.TLSConfig())
	case s.certificate.isSet():
		return serveTLS(srv, l, s.certificate.config())
	}
	return srv.Serve(l)
}

// every returns a channel that gets the time at each interval until stop is called, and nothing
// when interval is 0.
func every(interval time.Duration) (ticks <-chan time.Time, stop func()) {
	if interval <= 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(interval)
	return ticker.C, ticker.Stop
}
