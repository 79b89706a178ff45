package config

import (
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/socketio"
)

// Mode returns [auth.ModeToken], [auth.ModeTicket], [auth.ModeHook] or [auth.ModeOpen], with auto
// resolved.
func (c Config) Mode() auth.Mode {
	return c.AuthMode.Resolve(len(c.JWTSecret) > 0 || c.JWTPublicKeyFile != "" ||
		c.JWTJWKSURL != "")
}

// OpenByDefault reports whether AUTH_MODE=auto resolved to open mode. Such a server listens on
// loopback only.
func (c Config) OpenByDefault() bool {
	return (c.AuthMode == auth.ModeAuto || c.AuthMode == "") && c.Mode() == auth.ModeOpen
}

// Auth returns the options of the Authenticator, without tickets and without the key set of
// JWTJWKSURL: the program creates and closes these.
func (c Config) Auth() auth.Options {
	return auth.Options{
		Mode: c.AuthMode, Secret: c.JWTSecret, Further: c.JWTFurther, PublicKeys: c.publicKeys,
		Issuer: c.JWTIssuer, Audience: c.JWTAudience,
		PublicChannels: c.PublicChannels, AllowAnonymousSocketIO: c.AuthAnonymous,
	}
}

// Upstream returns the origin of UPSTREAM_URL, or nil without one.
func (c Config) Upstream() *url.URL {
	if c.UpstreamURL == "" {
		return nil
	}
	u, err := url.Parse(string(c.UpstreamURL))
	if err != nil { // Load refuses it
		return nil
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}
}

// History returns the options of the Hub. With DATA_DIR the defaults of what it keeps are higher.
func (c Config) History() notify.Options {
	o := notify.DefaultOptions()
	o.HistorySize, o.HistoryTTL = c.HistorySize, c.HistoryTTL
	o.HistoryMinAge, o.HistoryMaxBytes = c.HistoryMinAge, int64(c.HistoryMaxBytes)
	o.RetainedSize, o.RetainedMaxBytes = c.RetainedSize, int64(c.RetainedMaxBytes)
	if c.DataDir == "" {
		return o
	}
	if c.sources["HISTORY_SIZE"] == "" {
		o.HistorySize = storedHistorySize
	}
	if c.sources["HISTORY_TTL"] == "" {
		o.HistoryTTL = disklog.DefaultOptions("").TTL
	}
	return o
}

// Disk returns the options of the store in DATA_DIR, without a log.
func (c Config) Disk() disklog.Options {
	o, history := disklog.DefaultOptions(c.DataDir), c.History()
	o.TTL, o.TailBytes, o.MaxBytes = history.HistoryTTL, history.HistoryMaxBytes, int64(c.DataMaxBytes)
	if c.DataSync == "interval" {
		o.SyncInterval = syncInterval
	}
	return o
}

// Hooks returns the options of the hooks, without metrics and log.
func (c Config) Hooks() hooks.Options {
	o := hooks.DefaultOptions()
	o.Secrets = c.HookSecret
	o.AllowPrivate = c.HookAllowPrivate == "true" ||
		c.HookAllowPrivate == "auto" && c.Mode() == auth.ModeOpen
	o.Events.Timeout, o.Events.Concurrency = c.EventsTimeout, c.EventsConcurrency
	o.Events.Batch, o.Events.Connections = c.EventsBatch, c.EventsConnections
	o.Events.URLs, _ = hooks.ParseURLs(texts(c.EventsURL)) // Load has checked them
	o.Connects.Timeout, o.Connects.Concurrency = c.ConnectTimeout, c.ConnectConcurrency
	if c.Mode() == auth.ModeHook {
		o.Connects.URL = string(c.ConnectURL)
	}
	o.Webhooks.URLs, o.Webhooks.Retry = texts(c.WebhookURLs), c.WebhookRetry
	o.Webhooks.Events, _ = hooks.ParseWebhookEvents(c.WebhookEvents) // as above
	return o
}

// Gate returns the handshakes per second, 0 for no limit, and whether they are a strict limit: the
// default is what the server takes in any case.
func (c Config) Gate() (rate int, strict bool) {
	return c.HandshakeRate, c.sources["HANDSHAKE_RATE"] != ""
}

// DrainRate returns how many connections a stop closes per second: those that come back are as many
// handshakes for the next process. It is 0 with DRAIN_TIMEOUT, over which the server spreads them
// then.
func (c Config) DrainRate() int {
	switch {
	case c.sources["DRAIN_TIMEOUT"] != "":
		return 0
	case c.HandshakeRate == 0:
		return limit.HandshakeRate()
	}
	return c.HandshakeRate
}

// SocketIO returns the options of the preset and the parser.
func (c Config) SocketIO() socketio.Options {
	o := socketio.DefaultOptions()
	if c.SocketIOPreset == presetNode {
		o = socketio.NodeOptions()
	}
	if c.SocketIOParser == "msgpack" {
		o.Parser = socketio.ParserMsgpack
	}
	return o
}

// Addr returns HOST and PORT as host:port, or the unix socket of HOST as unix:/path.
func (c Config) Addr() string {
	if c.Socket() != "" {
		return c.Host
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
}

// Loopback reports whether the listener has a loopback address. A unix socket has none: it is for a
// proxy, which others can reach.
func (c Config) Loopback() bool { return isLoopback(c.Host) }

// SocketIOInactive returns InactiveTimeout for Socket.IO: at least two ping intervals, because a
// client that sends nothing else answers one ping in each.
func (c Config) SocketIOInactive() time.Duration {
	return max(c.InactiveTimeout, 2*c.SocketIOPingInterval)
}

// SSEInactive returns InactiveTimeout for EventSource: at least two heartbeats.
func (c Config) SSEInactive() time.Duration {
	return max(c.InactiveTimeout, 2*c.SSEHeartbeatInterval)
}
