// Package config reads the settings from flags, environment and file into one [Config].
package config

import (
	"crypto"
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Config holds every setting. The tags of a field are its reference: flag, environment variable,
// default (${NAME} is the default of the part that uses the setting), bounds, and the sentence that
// the help, [Table] and the README show. [Load] fills it; a Config made by hand has no defaults.
//
// A field with the tag reload can change while the program runs, see [Config.Reload].
//
// The flag is the variable's name in lower case with dashes. A duration is written like 3s, 5m or
// 1h30m; a bare number is milliseconds. The items of a list are separated by commas, or the flag is
// repeated. An empty variable counts as absent, except for a list, and for an address that may be
// switched off: it makes them empty.
type Config struct {
	Host           string         `group:"Listener" name:"host" env:"HOST" shown:"127.0.0.1 when AUTH_MODE=auto resolves to open, else 0.0.0.0" help:"Address to listen on, an IP address or a host name; or unix: and the path of a unix socket, without a port. When AUTH_MODE=auto resolves to open, it must be a loopback address."`
	Port           int            `group:"Listener" name:"port" env:"PORT" default:"3000" min:"0" max:"65535" help:"Port to listen on; 0 takes any free one."`
	SocketMode     string         `group:"Listener" name:"socket-mode" env:"SOCKET_MODE" default:"0660" help:"Permissions of the unix sockets of HOST and ADMIN_ADDR, in octal. Those who may write can connect."`
	TLSCertFile    string         `group:"Listener" reload:"" name:"tls-cert-file" env:"TLS_CERT_FILE" help:"PEM file of the certificate chain. With it and TLS_KEY_FILE the listener speaks HTTPS and HTTP/2."`
	TLSKeyFile     string         `group:"Listener" reload:"" name:"tls-key-file" env:"TLS_KEY_FILE" help:"PEM file of the private key."`
	TrustedProxies []netip.Prefix `group:"Listener" name:"trusted-proxies" env:"TRUSTED_PROXIES" help:"Networks (CIDR) or addresses of the proxies whose X-Forwarded-For is trusted. What connects to a unix socket counts as 127.0.0.1."`
	AllowedOrigins []string       `group:"Listener" reload:"" name:"allowed-origins" env:"ALLOWED_ORIGINS" shown:"http://localhost:3000,http://127.0.0.1:3000" help:"Origins whose pages may connect, besides NEXT_PUBLIC_APP_URL and the server's own host. On a loopback listener every port of localhost may. A star is refused, because browsers send credentials."`
	AppURL         string         `group:"Listener" reload:"" name:"next-public-app-url" env:"NEXT_PUBLIC_APP_URL" help:"URL of the application; its origin is allowed."`
	UpstreamURL    URL            `group:"Listener" name:"upstream-url" env:"UPSTREAM_URL" help:"URL of an application that answers all other paths, upgrades included, so that both share one host and port. The console is then at /console."`
	DrainTimeout   time.Duration  `group:"Listener" reload:"" name:"drain-timeout" env:"DRAIN_TIMEOUT" default:"25s" min:"0s" max:"1h" help:"Maximum time of a stop. When it is set, connections are closed evenly over four fifths of it, at least four per second, else as many per second as HANDSHAKE_RATE; 0 = cut at once."`

	ACMEDomains   []string `group:"Certificates" name:"acme-domains" env:"ACME_DOMAINS" help:"Host names for which the server gets and renews certificates by itself, instead of TLS_CERT_FILE; see docs/listeners.md."`
	ACMEEmail     string   `group:"Certificates" name:"acme-email" env:"ACME_EMAIL" help:"Address to which the certificate authority may write."`
	ACMEDirectory string   `group:"Certificates" name:"acme-directory" env:"ACME_DIRECTORY" default:"${ACME_DIRECTORY}" help:"URL of the authority's ACME directory; the default is that of Let's Encrypt, whose terms you accept with ACME_DOMAINS."`
	ACMECAFile    string   `group:"Certificates" name:"acme-ca-file" env:"ACME_CA_FILE" help:"PEM file of the certificates that verify ACME_DIRECTORY, for an authority of your own."`
	ACMEStorage   string   `group:"Certificates" name:"acme-storage" env:"ACME_STORAGE" shown:"acme in DATA_DIR" help:"Directory for the account, certificates and keys. Several nodes can share one."`
	ACMEHTTPAddr  string   `group:"Certificates" name:"acme-http-addr" env:"ACME_HTTP_ADDR" default:":80" blank:"" help:"Address and port of the listener without TLS, for HTTP-01 challenges and redirects to https; empty or off = none, only TLS-ALPN-01."`

	AdminAddr    string      `group:"Administration" name:"admin-addr" env:"ADMIN_ADDR" default:"127.0.0.1:9090" blank:"" help:"Address and port of the second listener, for metrics and profiles, or unix: and a path; empty or off = none. An address that other machines can reach requires ADMIN_KEY."`
	AdminKey     auth.Secret `group:"Administration" reload:"" name:"admin-key" env:"ADMIN_KEY" help:"Key for requests to the second listener (Authorization: Bearer), at least 32 bytes. Required unless ADMIN_ADDR is a loopback address or a unix socket."`
	AdminKeyFile string      `group:"Administration" reload:"" name:"admin-key-file" env:"ADMIN_KEY_FILE" help:"File that holds ADMIN_KEY."`
	AdminPprof   string      `group:"Administration" name:"admin-pprof" env:"ADMIN_PPROF" default:"auto" allow:"auto,on,off" help:"Profiles at /debug/pprof/ of the second listener. auto: when ADMIN_ADDR is a loopback address or a unix socket."`

	AdminUI                 string      `group:"Administration" name:"admin-ui" env:"ADMIN_UI" default:"off" allow:"off,on" help:"on: the official admin UI of Socket.IO can connect, with ADMIN_UI_USERNAME and the password of ADMIN_UI_PASSWORD_HASH; see docs/admin-ui.md."`
	AdminUIReadOnly         bool        `group:"Administration" name:"admin-ui-readonly" env:"ADMIN_UI_READONLY" default:"${ADMIN_UI_READONLY}" negatable:"" help:"false: admins can also emit, disconnect sockets, and move them between rooms."`
	AdminUIUsername         string      `group:"Administration" name:"admin-ui-username" env:"ADMIN_UI_USERNAME" default:"${ADMIN_UI_USERNAME}" help:"Name with which admins log in."`
	AdminUIPasswordHash     auth.Secret `group:"Administration" reload:"" name:"admin-ui-password-hash" env:"ADMIN_UI_PASSWORD_HASH" help:"Bcrypt hash of the password with which admins log in, with a cost from 10 to 14. The password itself is refused."`
	AdminUIPasswordHashFile string      `group:"Administration" reload:"" name:"admin-ui-password-hash-file" env:"ADMIN_UI_PASSWORD_HASH_FILE" help:"File that holds ADMIN_UI_PASSWORD_HASH."`
	AdminUINamespace        string      `group:"Administration" name:"admin-ui-namespace" env:"ADMIN_UI_NAMESPACE" default:"${ADMIN_UI_NAMESPACE}" help:"Namespace of the admin UI. With ADMIN_UI=on no hook is asked about its clients."`

	AuthMode         auth.Mode     `group:"Authentication" name:"auth-mode" env:"AUTH_MODE" default:"auto" allow:"token,ticket,hook,open,auto" help:"token: requires a JWT or a ticket. ticket: requires a ticket, and no key. hook: asks CONNECT_URL who each client is. open: accepts a bare userId. auto: token when a JWT key is set, else open on loopback only."`
	Environment      string        `group:"Authentication" name:"env" env:"ENV" help:"production: the server does not start in open mode. Other values have no meaning."`
	AuthAnonymous    bool          `group:"Authentication" reload:"" name:"auth-anonymous" env:"AUTH_ANONYMOUS" default:"false" negatable:"" help:"In open mode, accept Socket.IO clients without userId and token. EventSource streams need no such permission."`
	JWTSecret        auth.Secret   `group:"Authentication" reload:"" name:"jwt-secret" env:"JWT_SECRET" help:"Key of HS256 tokens, at least 32 bytes. Several, one a line, while one is replaced: all verify tokens, and commands sign with the first."`
	JWTSecretFile    string        `group:"Authentication" reload:"" name:"jwt-secret-file" env:"JWT_SECRET_FILE" help:"File that holds JWT_SECRET."`
	JWTPublicKeyFile string        `group:"Authentication" reload:"" name:"jwt-public-key-file" env:"JWT_PUBLIC_KEY_FILE" help:"PEM file of the public keys, at most 8, that verify tokens: RSA for RS256, P-256, P-384 and P-521 for ES256, ES384 and ES512, Ed25519 for EdDSA."`
	JWTJWKSURL       URL           `group:"Authentication" name:"jwt-jwks-url" env:"JWT_JWKS_URL" help:"URL of the identity provider's key set, instead of JWT_PUBLIC_KEY_FILE; https, or http on this machine. Fetched at start, every 10 minutes, and when a token names a new key."`
	JWTIssuer        string        `group:"Authentication" reload:"" name:"jwt-issuer" env:"JWT_ISSUER" help:"Required iss of tokens, when set."`
	JWTAudience      string        `group:"Authentication" reload:"" name:"jwt-audience" env:"JWT_AUDIENCE" help:"Required in the aud of tokens, when set."`
	APIKeys          []auth.Secret `group:"Authentication" reload:"" name:"api-keys" env:"API_KEYS" shown:"a random key, printed at the start and kept in DATA_DIR" help:"Keys of backends; several allow a rotation without a gap. key:pattern limits a key to targets, as in key:channel:orders-* or key:user:*; repeat the key for several patterns."`
	APIKeysFile      string        `group:"Authentication" reload:"" name:"api-keys-file" env:"API_KEYS_FILE" help:"File that holds API_KEYS, separated by commas or line ends."`

	SecretsDir string `group:"Authentication" reload:"" name:"secrets-dir" env:"SECRETS_DIR" help:"Directory with a file for each of JWT_SECRET, API_KEYS, ADMIN_KEY, ADMIN_UI_PASSWORD_HASH, HOOK_SECRET and REDIS_URL that is not set otherwise, with these names, as Kubernetes and Compose mount secrets."`

	DefaultChannels []string      `group:"Channels and history" name:"default-channels" env:"DEFAULT_CHANNELS" default:"general" help:"Channels that every connection joins, if it has the right."`
	PublicChannels  []string      `group:"Channels and history" reload:"" name:"public-channels" env:"PUBLIC_CHANNELS" help:"Channels that everyone may join in token mode; a star in a name matches any run of characters, as in news-*."`
	MaxRooms        int           `group:"Channels and history" name:"max-rooms" env:"MAX_ROOMS" default:"${MAX_ROOMS}" min:"0" max:"10000" help:"Maximum number of channels that one client may ask to join; 0 = none."`
	HistorySize     int           `group:"Channels and history" name:"history-size" env:"HISTORY_SIZE" default:"${HISTORY_SIZE}" shown:"1024, or 10000 with DATA_DIR" min:"1" max:"1000000" help:"Notifications of each room kept in memory for replay. With DATA_DIR older ones are read from there."`
	HistoryMinAge   time.Duration `group:"Channels and history" name:"history-min-age" env:"HISTORY_MIN_AGE" default:"${HISTORY_MIN_AGE}" min:"0s" max:"1h" help:"Time for which a room keeps more than HISTORY_SIZE, so that connected clients get every notification of a burst."`
	HistoryTTL      time.Duration `group:"Channels and history" name:"history-ttl" env:"HISTORY_TTL" default:"${HISTORY_TTL}" shown:"5m, or 24h with DATA_DIR" min:"1s" max:"720h" help:"Time for which a notification is kept for replay."`
	HistoryMaxBytes Bytes         `group:"Channels and history" name:"history-max-bytes" env:"HISTORY_MAX_BYTES" default:"${HISTORY_MAX_BYTES}" min:"64KiB" max:"1024GiB" help:"Maximum memory of all notifications kept for replay, including names, encodings for both transports and data structures."`

	RetainedSize     int   `group:"Channels and history" name:"retained-size" env:"RETAINED_SIZE" default:"${RETAINED_SIZE}" min:"0" max:"1000000" help:"Number of types of which one channel or user can have a retained notification; 0 = retain none."`
	RetainedMaxBytes Bytes `group:"Channels and history" name:"retained-max-bytes" env:"RETAINED_MAX_BYTES" default:"${RETAINED_MAX_BYTES}" min:"0" max:"1024GiB" help:"Maximum memory of all retained notifications, of which one channel or user can have a quarter; above it a publish with retain is refused; 0 = retain none."`

	DataDir      string `group:"Storage" name:"data-dir" env:"DATA_DIR" help:"Directory in which notifications, sessions, answers to Idempotency-Keys, tickets, webhooks and the generated API key outlive the process. Without it they are in memory only."`
	DataSync     string `group:"Storage" name:"data-sync" env:"DATA_SYNC" default:"always" allow:"always,interval" help:"always: a notification is on disk before it is acknowledged and delivered. interval: the server writes to disk every 10 ms, so a crash loses the last notifications, and after it every client that reconnects gets a gap."`
	DataMaxBytes Bytes  `group:"Storage" name:"data-max-bytes" env:"DATA_MAX_BYTES" default:"${DATA_MAX_BYTES}" min:"1MiB" max:"1024GiB" help:"Maximum size of the notifications in DATA_DIR; the oldest are dropped first, those of a room with more than a quarter before all others."`

	RedisURL           URL      `group:"Cluster" reload:"" name:"redis-url" env:"REDIS_URL" help:"Redis or Valkey, 6.2 or later, that several nodes share: redis://user:password@host:6379/0, rediss:// with TLS, unix:///path. Notifications are a stream there, which Node's Socket.IO servers with the Redis Streams adapter share."`
	RedisURLFile       string   `group:"Cluster" reload:"" name:"redis-url-file" env:"REDIS_URL_FILE" help:"File that holds REDIS_URL."`
	RedisStream        string   `group:"Cluster" name:"redis-stream" env:"REDIS_STREAM" default:"${REDIS_STREAM}" help:"Name of the stream; nodes with another one are another cluster."`
	RedisMaxLen        int      `group:"Cluster" name:"redis-maxlen" env:"REDIS_MAXLEN" default:"${REDIS_MAXLEN}" min:"1000" max:"1000000000" help:"Entries of the stream, about; the oldest are dropped first. A server of Node in the cluster may drop them earlier, see its maxLen."`
	RedisIngest        []string `group:"Cluster" name:"redis-ingest" env:"REDIS_INGEST" allow:"emitter,python,pubsub" help:"emitter: one node at a time writes to the stream what @socket.io/redis-emitter publishes, so that the cluster gets it. python: the same for RedisManager of python-socketio. pubsub: the same for servers with @socket.io/redis-adapter, which also get what the cluster sends. Several: emitter,python."`
	RedisIngestChannel string   `group:"Cluster" name:"redis-ingest-channel" env:"REDIS_INGEST_CHANNEL" default:"${REDIS_INGEST_CHANNEL}" help:"Channel of python-socketio, for REDIS_INGEST=python; that of Flask-SocketIO is flask-socketio."`
	RedisIngestKey     string   `group:"Cluster" name:"redis-ingest-key" env:"REDIS_INGEST_KEY" default:"${REDIS_INGEST_KEY}" help:"The key that servers with @socket.io/redis-adapter have as an option, for REDIS_INGEST=pubsub. It must differ from REDIS_STREAM."`
	ClusterAdvertise   string   `group:"Cluster" name:"cluster-advertise" env:"CLUSTER_ADVERTISE" help:"Address at which the other nodes reach this one, http://host:port. With it no sticky sessions are needed: a node passes a request for a session of another node on to that node."`
	Durability         string   `group:"Cluster" name:"durability" env:"DURABILITY" default:"stored" allow:"stored,replica" help:"stored: a notification is acknowledged when Redis has it. replica: when one replica has it, too."`

	MaxConnections        int           `group:"Limits" reload:"" name:"max-connections" env:"MAX_CONNECTIONS" default:"10000" min:"1" max:"10000000" help:"Maximum number of connections, both transports together."`
	MaxConnectionsPerUser int           `group:"Limits" reload:"" name:"max-connections-per-user" env:"MAX_CONNECTIONS_PER_USER" default:"0" min:"0" max:"10000000" help:"Maximum number of connections of one user; 0 = no limit."`
	MaxConnectionsPerIP   int           `group:"Limits" reload:"" name:"max-connections-per-ip" env:"MAX_CONNECTIONS_PER_IP" default:"0" min:"0" max:"10000000" help:"Maximum number of connections of one IPv4 address or IPv6 /64; 0 = no limit."`
	HandshakeRate         int           `group:"Limits" reload:"" name:"handshake-rate" env:"HANDSHAKE_RATE" default:"${HANDSHAKE_RATE}" shown:"500 for each processor" min:"0" max:"10000000" help:"Handshakes per second of both transports. Further ones are told to come back after 1 to 5 seconds; those of clients that resume pass first. Without the setting they pass too while the server has processor time; 0 = no limit."`
	AuthFailures          int           `group:"Limits" reload:"" name:"auth-failures" env:"AUTH_FAILURES" default:"10" min:"0" max:"1000000" help:"Invalid tokens and tickets per minute of one IPv4 address or IPv6 /64 before Socket.IO answers further invalid ones with rate_limited; valid ones are always accepted; 0 = no limit."`
	RateLimitInterval     time.Duration `group:"Limits" name:"rate-limit-interval" env:"RATE_LIMIT_INTERVAL" bare:"ms" default:"100ms" min:"0s" max:"1h" help:"Average time between two events of a client; 0 = no limit, a bare number is milliseconds."`
	RateLimitBurst        int           `group:"Limits" name:"rate-limit-burst" env:"RATE_LIMIT_BURST" default:"${RATE_LIMIT_BURST}" min:"1" max:"1000000" help:"Events that a client may send at once."`
	InactiveTimeout       time.Duration `group:"Limits" name:"inactive-timeout" env:"INACTIVE_TIMEOUT" default:"${INACTIVE_TIMEOUT}" min:"10ms" max:"720h" help:"A connection is closed after this time without a byte from a Socket.IO client, or without a successful write to a stream. At least two pings or heartbeats, so that a client that only listens stays connected."`
	PublishRate           int           `group:"Limits" reload:"" name:"publish-rate" env:"PUBLISH_RATE" default:"1000" min:"0" max:"10000000" help:"Notifications per second that one API key may publish; 0 = no limit."`
	PublishBurst          int           `group:"Limits" reload:"" name:"publish-burst" env:"PUBLISH_BURST" default:"2000" min:"1" max:"10000000" help:"Notifications that one API key may publish at once."`
	ConnectionUpdates     bool          `group:"Limits" name:"connection-updates" env:"CONNECTION_UPDATES" default:"false" negatable:"" help:"Send connection-update to all clients when one connects or disconnects."`

	SocketIOPreset            string        `group:"Socket.IO" name:"socketio-preset" env:"SOCKETIO_PRESET" allow:"node" help:"node: other defaults, those of socket.io on Node, for applications written for it. Changes DEFAULT_CHANNELS, RATE_LIMIT_INTERVAL, AUTH_ANONYMOUS and SOCKETIO_*, and the server sends no events of its own, see docs/node.md."`
	SocketIOPath              string        `group:"Socket.IO" name:"socketio-path" env:"SOCKETIO_PATH" default:"/socket.io" help:"Path of the endpoint; the same path below /api is served too."`
	SocketIOClient            string        `group:"Socket.IO" name:"socketio-client" env:"SOCKETIO_CLIENT" help:"Where socket.io.js and the other files of socket.io-client are, which pages load below SOCKETIO_PATH: its folder dist, one file, or the URL of either, to which the server redirects."`
	SocketIOParser            string        `group:"Socket.IO" name:"socketio-parser" env:"SOCKETIO_PARSER" default:"default" allow:"default,msgpack" help:"Encoding of packets. msgpack: that of socket.io-msgpack-parser, which all clients must use then."`
	SocketIOAs                []string      `group:"Socket.IO" name:"socketio-as" env:"SOCKETIO_AS" default:"type" help:"Event names of notifications, which are sent once under each name; type = the notification's own type."`
	SocketIORecovery          bool          `group:"Socket.IO" name:"socketio-recovery" env:"SOCKETIO_RECOVERY" default:"true" negatable:"" help:"Let clients recover missed events: sends the pid and appends ids to events."`
	SocketIOHeartbeatInterval time.Duration `group:"Socket.IO" name:"socketio-heartbeat-interval" env:"SOCKETIO_HEARTBEAT_INTERVAL" default:"${SOCKETIO_HEARTBEAT_INTERVAL}" min:"10ms" max:"24h" help:"Time between two heartbeat events."`
	SocketIOPingInterval      time.Duration `group:"Socket.IO" name:"socketio-ping-interval" env:"SOCKETIO_PING_INTERVAL" default:"${SOCKETIO_PING_INTERVAL}" min:"10ms" max:"1h" help:"Time between two pings of the protocol."`
	SocketIOPingTimeout       time.Duration `group:"Socket.IO" name:"socketio-ping-timeout" env:"SOCKETIO_PING_TIMEOUT" default:"${SOCKETIO_PING_TIMEOUT}" min:"10ms" max:"1h" help:"Maximum time until the answer to a ping."`
	SocketIOConnectTimeout    time.Duration `group:"Socket.IO" name:"socketio-connect-timeout" env:"SOCKETIO_CONNECT_TIMEOUT" default:"${SOCKETIO_CONNECT_TIMEOUT}" min:"10ms" max:"10m" help:"Maximum time that a client may be in no namespace."`
	SocketIOMaxPayload        Bytes         `group:"Socket.IO" name:"socketio-max-payload" env:"SOCKETIO_MAX_PAYLOAD" default:"${SOCKETIO_MAX_PAYLOAD}" min:"1KiB" max:"1GiB" help:"Maximum size of a message or polling payload of a client."`
	SocketIOReceiveRate       Bytes         `group:"Socket.IO" name:"socketio-receive-rate" env:"SOCKETIO_RECEIVE_RATE" default:"${SOCKETIO_RECEIVE_RATE}" min:"0" max:"1GiB" help:"Bytes per second that the server takes from one client; small frames, packets and requests count as more, see docs/socketio.md; 0 = no limit."`
	SocketIOMaxNamespaces     int           `group:"Socket.IO" name:"socketio-max-namespaces" env:"SOCKETIO_MAX_NAMESPACES" default:"${SOCKETIO_MAX_NAMESPACES}" min:"1" max:"100000" help:"Maximum number of namespaces of one connection, besides /."`

	SocketIOBuiltins bool `group:"Socket.IO" name:"socketio-builtins" env:"SOCKETIO_BUILTINS" default:"true" negatable:"" help:"Answer join-room, leave-room, subscribe, unsubscribe, send-message, custom-event and ping. With false they are events like all others, for EVENTS_URL."`

	EventsURL         []URL         `group:"Hooks" name:"events-url" env:"EVENTS_URL" help:"URL to which events of Socket.IO clients are posted, for the namespace /. Other namespaces: /chat=https://…, or *=https://… for all others; separated by commas."`
	EventsTimeout     time.Duration `group:"Hooks" name:"events-timeout" env:"EVENTS_TIMEOUT" default:"${EVENTS_TIMEOUT}" min:"10ms" max:"1m" help:"Maximum time for the answer to an event."`
	EventsConcurrency int           `group:"Hooks" name:"events-concurrency" env:"EVENTS_CONCURRENCY" default:"${EVENTS_CONCURRENCY}" min:"1" max:"100000" help:"Maximum number of events that are posted to one URL at the same time; further events wait."`
	EventsBatch       int           `group:"Hooks" name:"events-batch" env:"EVENTS_BATCH" default:"${EVENTS_BATCH}" min:"1" max:"1000" help:"Maximum number of events in one request, for handlers that answer batches, such as createHandler; see docs/hooks.md."`
	EventsConnections bool          `group:"Hooks" name:"events-connections" env:"EVENTS_CONNECTIONS" default:"false" negatable:"" help:"Post also when a client has connected to a namespace and when it has left it."`

	ConnectURL         URL           `group:"Hooks" name:"connect-url" env:"CONNECT_URL" help:"URL that is asked, with AUTH_MODE=hook, who a client is and what it may do."`
	ConnectTimeout     time.Duration `group:"Hooks" name:"connect-timeout" env:"CONNECT_TIMEOUT" default:"${CONNECT_TIMEOUT}" min:"10ms" max:"1m" help:"Maximum time for the answer of CONNECT_URL, including the time that a client waits for its turn."`
	ConnectConcurrency int           `group:"Hooks" name:"connect-concurrency" env:"CONNECT_CONCURRENCY" default:"${CONNECT_CONCURRENCY}" min:"1" max:"100000" help:"Maximum number of requests to CONNECT_URL at the same time. 16 times as many may wait; further clients get 503."`

	WebhookURLs   []URL         `group:"Hooks" name:"webhook-urls" env:"WEBHOOK_URLS" help:"URLs that get webhooks: batches of events about connections, users, channels and notifications that nobody got; separated by commas."`
	WebhookEvents []string      `group:"Hooks" name:"webhook-events" env:"WEBHOOK_EVENTS" default:"*" help:"Events of webhooks: names, or patterns such as connection.* or *; see docs/webhooks.md."`
	WebhookRetry  time.Duration `group:"Hooks" name:"webhook-retry" env:"WEBHOOK_RETRY" default:"${WEBHOOK_RETRY}" min:"0s" max:"24h" help:"How long a batch of webhooks is sent again before its events are dropped; 0 = it is sent once."`

	HookSecret       []auth.Secret `group:"Hooks" reload:"" name:"hook-secret" env:"HOOK_SECRET" help:"Secrets that sign the requests of hooks as Standard Webhooks describe, at least 24 bytes each: whsec_ and base64, or any text. Several while one is replaced."`
	HookSecretFile   string        `group:"Hooks" reload:"" name:"hook-secret-file" env:"HOOK_SECRET_FILE" help:"File that holds HOOK_SECRET, separated by commas or line ends."`
	HookAllowPrivate string        `group:"Hooks" name:"hook-allow-private" env:"HOOK_ALLOW_PRIVATE" default:"auto" allow:"auto,true,false" help:"Allow the URLs of hooks to be on this machine or in private networks; auto = in open mode. Link-local and metadata addresses are never allowed."`

	SSEPath              string        `group:"EventSource" name:"sse-path" env:"SSE_PATH" default:"/sse" help:"Path of the endpoint; the same path below /api is served too, with as=message."`
	SSEAs                string        `group:"EventSource" name:"sse-as" env:"SSE_AS" default:"type" help:"Event name of notifications; type = the notification's own type."`
	SSEHeartbeatInterval time.Duration `group:"EventSource" name:"sse-heartbeat-interval" env:"SSE_HEARTBEAT_INTERVAL" bare:"ms" default:"${SSE_HEARTBEAT_INTERVAL}" min:"10ms" max:"1h" help:"Time between two heartbeat comments; a bare number is milliseconds."`
	SSECleanupInterval   time.Duration `group:"EventSource" name:"sse-cleanup-interval" env:"SSE_CLEANUP_INTERVAL" bare:"ms" default:"${SSE_CLEANUP_INTERVAL}" min:"10ms" max:"1h" help:"Time between two sweeps for inactive connections, of both transports; a bare number is milliseconds."`
	SSEMaxConnections    int           `group:"EventSource" reload:"" name:"sse-max-connections" env:"SSE_MAX_CONNECTIONS" default:"1000" min:"1" max:"10000000" help:"Maximum number of EventSource streams."`

	LogLevel     string `group:"Log" reload:"" name:"log-level" env:"LOG_LEVEL" default:"info" allow:"debug,info,warn,error" help:"Minimum level of log messages."`
	LogFormat    string `group:"Log" name:"log-format" env:"LOG_FORMAT" default:"json" allow:"json,console" help:"json: one object per line. console: for people."`
	AuditLog     string `group:"Log" name:"audit-log" env:"AUDIT_LOG" default:"on" allow:"on,off" help:"on: a line at level info, whatever LOG_LEVEL is, for each action of an API key or an operator that changes something, and for refused keys; see docs/watching.md. Publishes have none."`
	AuditLogFile string `group:"Log" name:"audit-log-file" env:"AUDIT_LOG_FILE" help:"File to which the lines of AUDIT_LOG are appended, instead of the log. SIGHUP opens it again, so that it can be rotated."`

	Traces      string  `group:"Traces" name:"traces" env:"TRACES" default:"off" allow:"off,on" help:"on: send traces of publishes to an OpenTelemetry collector, by OTLP over HTTP at OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318 by default. Notifications that are traced have a traceparent in their metadata, see docs/watching.md."`
	TracesRatio float64 `group:"Traces" name:"traces-ratio" env:"TRACES_RATIO" default:"1" min:"0" max:"1" help:"Part of the publishes that are traced, such as 0.01. One with a traceparent is traced if that says so."`

	// JWTFurther has the secrets of JWT_SECRET after the first.
	JWTFurther []auth.Secret `kong:"-"`

	// Command is the command to run: serve, or one that the program gave to [Parse].
	Command string `kong:"-"`

	publicKeys  []crypto.PublicKey // of JWTPublicKeyFile
	certificate [][]byte           // of TLSCertFile
	acmeRoots   *x509.CertPool     // of ACMECAFile
	strayFiles  []string           // in SecretsDir, with names of no secrets

	sources map[string]string // environment name -> source of the value
}

const (
	storedHistorySize = 10_000
	syncInterval      = 10 * time.Millisecond
)
