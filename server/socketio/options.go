package socketio

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// Options configures a Server. Start from DefaultOptions, because New takes a zero literally.
type Options struct {
	Hub  *notify.Hub         // required
	Auth *auth.Authenticator // required

	Log     *zap.Logger // nil: nothing is logged
	Limits  Limits      // nil: no limits
	Metrics Metrics     // nil: nothing is counted

	PingInterval   time.Duration            // between two pings; default 25 s
	PingTimeout    time.Duration            // for the answer to a ping; default 60 s
	ConnectTimeout time.Duration            // for CONNECT and for its answer; default 10 s
	MaxPayload     int                      // bytes of a packet and its attachments; default 1 MB
	CheckOrigin    func(*http.Request) bool // nil: the same host, or no Origin

	Heartbeat       time.Duration // between two heartbeat events; 0: none; default 30 s
	SweepInterval   time.Duration // between two searches for idle connections; default 5 s
	InactiveTimeout time.Duration // without a byte from the client; 0: no limit; default 5 min

	As              []string // names of notifications ("type": their own)
	DefaultChannels []string // each client joins those that it may
	MaxRooms        int      // channels that a client may join; notify.NoLimit: any; default 64

	MaxNamespaces int // of one connection, besides "/", at least 1; default 100

	// RateInterval is the mean time between two events of one client, and between two CONNECTs; 0
	// means no limit, the default. RateBurst events are possible at once, at least 1; the default
	// is 20. Joins of MaxRooms rooms and CONNECTs of MaxNamespaces namespaces are possible at once,
	// too.
	RateInterval time.Duration
	RateBurst    int

	// ReceiveRate bounds what the server takes from one client, in bytes per second, whatever the
	// client sends: frames and packets have a price beyond their bytes, see
	// engineio.Options.ReceiveRate. 0 means no limit; the default is 4 MiB, far above what a page
	// sends. Packets that acknowledge an Ask cost their bytes only.
	ReceiveRate int

	// DisableRecovery makes the server send no session id and append no notification id to events.
	DisableRecovery bool
	// DisableBuiltins leaves the events that the server answers itself, such as join-room, to the
	// applications. auth:refresh stays.
	DisableBuiltins bool
	// Plain makes a Socket.IO server without Roomcast's own events, default channels and recovery.
	// The official protocol test suites need one.
	Plain bool
}

// DefaultOptions returns the default options, without the required Hub and Auth.
func DefaultOptions() Options {
	return Options{
		PingInterval: 25 * time.Second, PingTimeout: 60 * time.Second,
		ConnectTimeout: 10 * time.Second, MaxPayload: 1_000_000,
		Heartbeat: 30 * time.Second, SweepInterval: 5 * time.Second,
		InactiveTimeout: 5 * time.Minute, MaxRooms: 64, MaxNamespaces: 100,
		RateBurst: 20, ReceiveRate: 4 << 20,
	}
}

func (o *Options) builtins() bool { return !o.DisableBuiltins && !o.Plain }
func (o *Options) recovery() bool { return !o.DisableRecovery && !o.Plain }

// check returns an error for invalid options and replaces nil by the defaults.
func (o *Options) check() error {
	if o.Hub == nil || o.Auth == nil {
		return errors.New("socketio: Options.Hub and Options.Auth must be given")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"PingInterval", o.PingInterval}, {"PingTimeout", o.PingTimeout},
		{"ConnectTimeout", o.ConnectTimeout}, {"SweepInterval", o.SweepInterval},
	} {
		if d.value <= 0 {
			return fmt.Errorf("socketio: Options.%s is %v, expected more than 0: "+
				"start from DefaultOptions()", d.name, d.value)
		}
	}
	if o.MaxPayload <= 0 || o.RateBurst < 1 || o.MaxNamespaces < 1 {
		return fmt.Errorf("socketio: Options.MaxPayload is %d, RateBurst is %d and "+
			"MaxNamespaces is %d, expected at least 1: start from DefaultOptions()",
			o.MaxPayload, o.RateBurst, o.MaxNamespaces)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Limits == nil {
		o.Limits = noLimits{}
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	return nil
}
