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

// Options configures a Server. Start from DefaultOptions: a zero is a zero here.
type Options struct {
	Hub  *notify.Hub         // must be given
	Auth *auth.Authenticator // must be given

	Log     *zap.Logger // nil: nothing is logged
	Limits  Limits      // nil: no limits
	Metrics Metrics     // nil: nothing is counted

	PingInterval   time.Duration            // between two pings; default 25 s
	PingTimeout    time.Duration            // for the answer to a ping; default 60 s
	ConnectTimeout time.Duration            // without a namespace, and for an answer to CONNECT; default 10 s
	MaxPayload     int                      // bytes of one message, its attachments included; default 1,000,000
	CheckOrigin    func(*http.Request) bool // nil: the request's own host, and requests without Origin

	Heartbeat       time.Duration // between two heartbeat events; 0: none; default 30 s
	SweepInterval   time.Duration // how often idle connections are looked for; default 5 s
	InactiveTimeout time.Duration // without a byte from the client, PONG included; 0: for ever; default 5 min

	As              []string // names of notifications ("type": their own)
	DefaultChannels []string // joined by every connection that may
	MaxRooms        int      // channels a client may ask to join; 0: none; notify.NoLimit: any number; default 64

	RateInterval time.Duration // between two events of one client; 0: no limit, the default
	RateBurst    int           // events at once, at least 1; default 20

	// DisableRecovery sends no session id and appends no notification id to events.
	DisableRecovery bool
	// Plain is a Socket.IO server without Roomcast's own events, default channels and recovery. The official protocol
	// suites expect one.
	Plain bool
}

// DefaultOptions returns the options of a server that needs no others than Hub and Auth.
func DefaultOptions() Options {
	return Options{
		PingInterval: 25 * time.Second, PingTimeout: 60 * time.Second, ConnectTimeout: 10 * time.Second,
		MaxPayload: 1_000_000, Heartbeat: 30 * time.Second, SweepInterval: 5 * time.Second,
		InactiveTimeout: 5 * time.Minute, MaxRooms: 64, RateBurst: 20,
	}
}

func (o *Options) recovery() bool { return !o.DisableRecovery && !o.Plain }

// check completes what may be nil and refuses what cannot work.
func (o *Options) check() error {
	if o.Hub == nil || o.Auth == nil {
		return errors.New("socketio: Options.Hub and Options.Auth must be given")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"PingInterval", o.PingInterval}, {"PingTimeout", o.PingTimeout}, {"ConnectTimeout", o.ConnectTimeout},
		{"SweepInterval", o.SweepInterval},
	} {
		if d.value <= 0 {
			return fmt.Errorf("socketio: Options.%s is %v, expected more than 0: start from DefaultOptions()", d.name, d.value)
		}
	}
	if o.MaxPayload <= 0 || o.RateBurst < 1 {
		return fmt.Errorf("socketio: Options.MaxPayload is %d and RateBurst is %d, expected at least 1: start from DefaultOptions()",
			o.MaxPayload, o.RateBurst)
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
