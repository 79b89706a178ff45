package socketio

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/peers"
)

// Options configures a Server. Start from DefaultOptions, because New takes a zero literally.
type Options struct {
	Hub  *notify.Hub         // required
	Auth *auth.Authenticator // required

	// Peers are the other servers of the cluster, see Server.JoinCluster; nil: there are none. The
	// caller closes them, after the Server.
	Peers *peers.Peers

	Log     *zap.Logger // nil: nothing is logged
	Limits  Limits      // nil: no limits
	Metrics Metrics     // nil: nothing is counted

	PingInterval   time.Duration            // between two pings; default 25 s
	PingTimeout    time.Duration            // for the answer to a ping; default 60 s
	ConnectTimeout time.Duration            // for CONNECT and for its answer; default 10 s
	MaxPayload     int                      // bytes of a packet and its attachments; default 1 MB
	CheckOrigin    func(*http.Request) bool // nil: the same host, or no Origin

	// Gate refuses handshakes while there are too many at once, see engineio.Options.Gate. nil lets
	// all pass.
	Gate func(*http.Request) error

	// Tag and Foreign join several servers behind one address, see engineio.Options. nil: there are no
	// others.
	Tag     func() string
	Foreign func(w http.ResponseWriter, r *http.Request, sid string) error

	Heartbeat       time.Duration // between two heartbeat events; 0: none; default 30 s
	SweepInterval   time.Duration // between two searches for idle connections; default 5 s
	InactiveTimeout time.Duration // without a byte from the client; 0: no limit; default 5 min

	As              []string // names of notifications ("type": their own)
	DefaultChannels []string // each client joins those that it may
	MaxRooms        int      // channels that a client may join; notify.NoLimit: any; default 64

	MaxNamespaces int // of one connection, besides "/", at least 1; default 100

	MaxAttachments int // binary attachments of a packet; default 10, as in socket.io-parser
	MaxValues      int // JSON values of a packet, of which a decoded one takes 50 bytes; default 4096

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

	// Parser is the encoding of packets. The parser of all clients must be the same.
	Parser Parser

	// DisableRecovery makes the server send no session id and append no notification id to events.
	DisableRecovery bool
	// DisableBuiltins leaves the events that the server answers itself, such as join-room, to the
	// applications. auth:refresh stays.
	DisableBuiltins bool
	// Plain makes a server that sends no event that the application has not sent: no connected,
	// heartbeat, gap, recovery, error and auth:…. It leaves an event that nothing handles without an
	// acknowledgement, and takes any payload of CONNECT for the application's own: of Roomcast's
	// fields only the credentials have a meaning, and in open mode none has to be valid.
	Plain bool
}

// Parser is an encoding of packets.
type Parser uint8

// The parsers. ParserDefault is that of socket.io-parser: text, and an attachment for each binary
// value. ParserMsgpack is that of socket.io-msgpack-parser: one binary message in MessagePack.
const (
	ParserDefault Parser = iota
	ParserMsgpack
)

// DefaultOptions returns the default options, without the required Hub and Auth.
func DefaultOptions() Options {
	return Options{
		PingInterval: 25 * time.Second, PingTimeout: 60 * time.Second,
		ConnectTimeout: 10 * time.Second, MaxPayload: 1_000_000,
		Heartbeat: 30 * time.Second, SweepInterval: 5 * time.Second,
		InactiveTimeout: 5 * time.Minute, MaxRooms: 64, MaxNamespaces: 100,
		MaxAttachments: 10, MaxValues: 4096,
		RateBurst: 20, ReceiveRate: 4 << 20,
	}
}

// NodeOptions returns the options of a server that behaves like socket.io on Node without options,
// for applications that were written for it. It has the deadlines of Node, and only those events
// that the application sends. Node has no limit for attachments and values; these have one that
// the packets of applications do not reach.
func NodeOptions() Options {
	o := DefaultOptions()
	o.PingTimeout, o.ConnectTimeout = 20*time.Second, 45*time.Second
	o.MaxAttachments, o.MaxValues = 64, 1<<16
	o.Plain, o.DisableBuiltins, o.DisableRecovery = true, true, true
	return o
}

func (o *Options) builtins() bool { return !o.DisableBuiltins }
func (o *Options) recovery() bool { return !o.DisableRecovery }

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
	if o.Parser > ParserMsgpack {
		return fmt.Errorf("socketio: Options.Parser is %d, expected ParserDefault or ParserMsgpack",
			o.Parser)
	}
	if o.MaxPayload <= 0 || o.RateBurst < 1 || o.MaxNamespaces < 1 || o.MaxValues < 1 {
		return fmt.Errorf("socketio: Options.MaxPayload is %d, RateBurst is %d, MaxNamespaces is "+
			"%d and MaxValues is %d, expected at least 1: start from DefaultOptions()",
			o.MaxPayload, o.RateBurst, o.MaxNamespaces, o.MaxValues)
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
