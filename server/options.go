package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
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
	// Expires returns when the first of the certificates expires; the zero time if there is none yet.
	Expires() time.Time
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
