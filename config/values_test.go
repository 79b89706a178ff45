package config

import (
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/redisstream"
)

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		env, text string
		get       func(Config) any
		want      any
	}{
		{"SSE_HEARTBEAT_INTERVAL", "3000", func(c Config) any {
			return c.SSEHeartbeatInterval
		}, 3 * time.Second},
		{"SSE_HEARTBEAT_INTERVAL", "250", func(c Config) any {
			return c.SSEHeartbeatInterval
		}, 250 * time.Millisecond},
		{"SSE_HEARTBEAT_INTERVAL", "1m30s", func(c Config) any {
			return c.SSEHeartbeatInterval
		}, 90 * time.Second},
		{"RATE_LIMIT_INTERVAL", "0", func(c Config) any {
			return c.RateLimitInterval
		}, time.Duration(0)},
		{"RATE_LIMIT_INTERVAL", "0s", func(c Config) any {
			return c.RateLimitInterval
		}, time.Duration(0)},
		{"HISTORY_TTL", "24h", func(c Config) any { return c.HistoryTTL }, 24 * time.Hour},
		{"HISTORY_MAX_BYTES", "1048576", func(c Config) any {
			return c.HistoryMaxBytes
		}, Bytes(1 << 20)},
		{"HISTORY_MAX_BYTES", "1MiB", func(c Config) any {
			return c.HistoryMaxBytes
		}, Bytes(1 << 20)},
		{"HISTORY_MAX_BYTES", "2 GB", func(c Config) any { return c.HistoryMaxBytes }, Bytes(2e9)},
		{"SOCKETIO_AS", "event, notification,", func(c Config) any {
			return c.SocketIOAs
		}, []string{"event", "notification"}},
		{"SOCKETIO_AS", "", func(c Config) any { return c.SocketIOAs }, []string{"type"}},
		{"SSE_AS", "chat message", func(c Config) any { return c.SSEAs }, "chat message"},
		{"DEFAULT_CHANNELS", "", func(c Config) any { return len(c.DefaultChannels) }, 0},
		{"DEFAULT_CHANNELS", "general,content-updates", func(c Config) any {
			return c.DefaultChannels
		}, []string{"general", "content-updates"}},
		{"PUBLIC_CHANNELS", "news-*,*", func(c Config) any {
			return c.PublicChannels
		}, []string{"news-*", "*"}},
		{"CONNECTION_UPDATES", "true", func(c Config) any { return c.ConnectionUpdates }, true},
		{"CONNECTION_UPDATES", "1", func(c Config) any { return c.ConnectionUpdates }, true},
		{"SOCKETIO_RECOVERY", "off", func(c Config) any { return c.SocketIORecovery }, false},
		{"SOCKETIO_RECOVERY", "FALSE", func(c Config) any { return c.SocketIORecovery }, false},
		{"SSE_PATH", "/events/", func(c Config) any { return c.SSEPath }, "/events"},
		{"SOCKETIO_PATH", "/api/socket.io", func(c Config) any {
			return c.SocketIOPath
		}, "/api/socket.io"},
		{"HOST", "::1", func(c Config) any { return c.Addr() }, "[::1]:3000"},
		{"HOST", "[::1]", func(c Config) any { return c.Addr() }, "[::1]:3000"},
		{"HOST", "localhost", func(c Config) any { return c.Addr() }, "localhost:3000"},
		{"PORT", "0", func(c Config) any { return c.Port }, 0},
		{"TRUSTED_PROXIES", "10.1.2.3/8, 192.0.2.1,::1", func(c Config) any {
			return c.TrustedProxies
		}, []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"),
			netip.MustParsePrefix("::1/128")}},
		{"API_KEYS", "a,b", func(c Config) any {
			return string(c.APIKeys[0]) + string(c.APIKeys[1])
		}, "ab"},
	} {
		if got := tt.get(load(t, env{tt.env: tt.text})); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s=%s: got %v, want %v", tt.env, tt.text, got, tt.want)
		}
	}
	flags := load(t, nil, "--connection-updates", "--no-socketio-recovery",
		"--auth-anonymous=false", "--api-keys=a,b", "--api-keys", "c", "--socketio-as=x")
	if !flags.ConnectionUpdates || flags.SocketIORecovery || flags.AuthAnonymous ||
		len(flags.APIKeys) != 3 || len(flags.SocketIOAs) != 1 {
		t.Errorf("%+v", flags)
	}
}

// The error for a value names the setting, the value and the allowed values.
func TestBadValues(t *testing.T) {
	for _, tt := range []struct{ env, text, want string }{
		{"PORT", "http", `PORT (environment): got "http", allowed: a whole number from 0 to 65535`},
		{"PORT", "65536", `got "65536", allowed: a whole number from 0 to 65535`},
		{"PORT", "-1", `got "-1"`},
		{"PORT", "3000.0", `got "3000.0"`},
		{"PORT", "99999999999999999999", `got "99999999999999999999"`},
		{"SSE_HEARTBEAT_INTERVAL", "fast",
			`got "fast", allowed: a duration such as 3s, or ` +
				`a number of milliseconds, from 10ms to 1h`},
		{"SSE_HEARTBEAT_INTERVAL", "0", `got "0"`},
		{"SSE_HEARTBEAT_INTERVAL", "9223372036854775807", `got "9223372036854775807"`},
		{"SSE_HEARTBEAT_INTERVAL", "-3s", `got "-3s"`},
		{"HISTORY_MAX_BYTES", "64M",
			`got "64M", allowed: a size such as 64MiB, or a number of bytes, from 64KiB to 1024GiB`},
		{"HISTORY_MAX_BYTES", "9999999999GiB", `got "9999999999GiB"`},
		{"HISTORY_TTL", "300",
			`HISTORY_TTL (environment): got "300", allowed: a duration with its unit, such as 3s`},
		{"HISTORY_SIZE", "0",
			`HISTORY_SIZE (environment): got "0", allowed: a whole number from 1 to 1000000`},
		{"MAX_CONNECTIONS", "0", `MAX_CONNECTIONS (environment): got "0"`},
		{"CONNECTION_UPDATES", "maybe", `got "maybe", allowed: true or false`},
		{"REDIS_INGEST", "emitter",
			`REDIS_INGEST (environment): got "emitter", allowed: with REDIS_URL, where emitters publish`},
		{"DURABILITY", "replica",
			`DURABILITY (environment): got "replica", allowed: with REDIS_URL, whose replica it waits for`},
		{"REDIS_INGEST", "sharded", `got "sharded", allowed: emitter, python, pubsub`},
		{"REDIS_INGEST", "emitter,ruby", `got "emitter,ruby", allowed: emitter, python`},
		{"REDIS_INGEST", "python, emitter",
			`REDIS_INGEST (environment): got "python,emitter", allowed: with REDIS_URL, where emitters publish`},
		{"REDIS_INGEST_CHANNEL", "flask-socketio",
			`REDIS_INGEST_CHANNEL (environment): got "flask-socketio", allowed: with REDIS_INGEST=python`},
		{"REDIS_INGEST_KEY", "other", `REDIS_INGEST_KEY (environment): got "other", allowed: with REDIS_INGEST=pubsub`},
		{"AUTH_MODE", "userid", `got "userid", allowed: token, ticket, hook, open, auto`},
		{"AUTH_MODE", "token",
			`AUTH_MODE (environment): got "token", allowed: token with JWT_SECRET`},
		{"LOG_LEVEL", "trace", `allowed: debug, info, warn, error`},
		{"LOG_FORMAT", "xml", `allowed: json, console`},
		{"HOST", "0.0.0.0",
			`HOST (environment): got "0.0.0.0", allowed: 127.0.0.1, ::1 or localhost`},
		{"HOST", "::", `HOST (environment): got "::"`},
		{"HOST", "localhost.example.com", `HOST (environment): got "localhost.example.com"`},
		{"HOST", "127.0.0.1:3000", `allowed: an IP address or a host name, without port`},
		{"HOST", "http://localhost", `allowed: an IP address or a host name, without port`},
		{"ALLOWED_ORIGINS", "*",
			`ALLOWED_ORIGINS (environment): got "*", allowed: origins by name`},
		{"ALLOWED_ORIGINS", "https://a.example,*", `got "*"`},
		{"ALLOWED_ORIGINS", "https://*.example.com", `got "https://*.example.com"`},
		{"ALLOWED_ORIGINS", "https://a.example/path", `got "https://a.example/path"`},
		{"ALLOWED_ORIGINS", "a.example",
			`got "a.example", allowed: origins such as https://app.example.com`},
		{"ALLOWED_ORIGINS", "NULL", `got "NULL"`},
		{"NEXT_PUBLIC_APP_URL", "app.example.com",
			`NEXT_PUBLIC_APP_URL (environment): got "app.example.com"`},
		{"NEXT_PUBLIC_APP_URL", "https://u:p@app.example.com", `NEXT_PUBLIC_APP_URL`},
		{"TRUSTED_PROXIES", "10.0.0.0/33", `TRUSTED_PROXIES (environment): got "10.0.0.0/33"`},
		{"TRUSTED_PROXIES", "proxy", `got "proxy"`},
		{"SSE_PATH", "sse", `SSE_PATH (environment): got "sse", allowed: a path`},
		{"SSE_PATH", "/", `SSE_PATH`},
		{"SSE_PATH", "/a//b", `SSE_PATH`},
		{"SSE_PATH", "/a/../b", `SSE_PATH`},
		{"SSE_PATH", "/{x}", `SSE_PATH`},
		{"SSE_PATH", "/v1/sse", `a path that the HTTP API does not use`},
		{"SSE_PATH", "/socket.io", `a path other than SOCKETIO_PATH`},
		{"SSE_PATH", "/socket.io/sse", `a path other than SOCKETIO_PATH`},
		{"SOCKETIO_PATH", "/sse/socket", `a path other than SOCKETIO_PATH`},
		{"SSE_AS", "error", `SSE_AS (environment): got "error"`},
		{"SOCKETIO_AS", "event,connect", `SOCKETIO_AS (environment): got "connect"`},
		{"SOCKETIO_AS", "a,b,c,d,e,f,g,h,i",
			`SOCKETIO_AS (environment): got 9, allowed: at most 8 names`},
		{"DEFAULT_CHANNELS", "general,user:1", `DEFAULT_CHANNELS (environment): got "user:1"`},
		{"DEFAULT_CHANNELS", "*", `DEFAULT_CHANNELS`},
		{"PUBLIC_CHANNELS", "client:*", `PUBLIC_CHANNELS (environment): got "client:*"`},
		{"TLS_CERT_FILE", "cert.pem",
			`TLS_KEY_FILE (default): got "", allowed: the key of TLS_CERT_FILE`},
		{"TLS_KEY_FILE", "key.pem", `TLS_CERT_FILE (default): got ""`},
		{"JWT_SECRET_FILE", "/does/not/exist",
			`JWT_SECRET_FILE (environment): open /does/not/exist`},
	} {
		got := problems(t, env{tt.env: tt.text})
		if len(got) != 1 || !strings.Contains(got[0], tt.want) {
			t.Errorf("%s=%s: %q, want one with %q", tt.env, tt.text, got, tt.want)
		}
	}
}

// REDIS_INGEST says which emitters and servers are heard, REDIS_INGEST_CHANNEL where those of Python are,
// and REDIS_INGEST_KEY where those with the pub/sub adapter are.
func TestIngest(t *testing.T) {
	for _, tt := range []struct {
		ingest, channel string
		want            redisstream.IngestOptions
		hears           bool
	}{
		{"", "", redisstream.IngestOptions{}, false},
		{"emitter", "", redisstream.IngestOptions{Node: true}, true},
		{"python", "", redisstream.IngestOptions{Python: "socketio"}, true},
		{"emitter, python,", "flask-socketio", redisstream.IngestOptions{Node: true, Python: "flask-socketio"}, true},
		{"pubsub", "", redisstream.IngestOptions{Servers: "socket.io"}, true},
	} {
		set := env{"REDIS_URL": "redis://127.0.0.1", "REDIS_INGEST": tt.ingest, "REDIS_STREAM": "roomcast"}
		if tt.channel != "" {
			set["REDIS_INGEST_CHANNEL"] = tt.channel
		}
		if got, hears := load(t, set).Ingest(); got != tt.want || hears != tt.hears {
			t.Errorf("REDIS_INGEST=%s: got %+v, %t", tt.ingest, got, hears)
		}
	}
	for _, name := range []string{"a b", "socketio*"} {
		got := problems(t, env{"REDIS_URL": "redis://127.0.0.1", "REDIS_INGEST": "python",
			"REDIS_INGEST_CHANNEL": name})
		if want := "REDIS_INGEST_CHANNEL (environment): channel "; len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q: %q, want one with %q", name, got, want)
		}
	}
	for _, tt := range []struct{ stream, key, want string }{
		{"roomcast", "a*", "REDIS_INGEST_KEY (environment): key "},
		{"roomcast", "roomcast", `REDIS_INGEST_KEY (environment): key "roomcast": expected another name than `},
		{"", "", `REDIS_INGEST_KEY (default): key "socket.io": expected another name than that of the stream, `},
		{"a-request", "a", `REDIS_INGEST_KEY (environment): key "a": expected another name than `},
	} {
		set := env{"REDIS_URL": "redis://127.0.0.1", "REDIS_INGEST": "pubsub", "REDIS_STREAM": tt.stream,
			"REDIS_INGEST_KEY": tt.key}
		maps.DeleteFunc(set, func(_, value string) bool { return value == "" })
		if got := problems(t, set); len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%q: %q, want one with %q", tt, got, tt.want)
		}
	}
}

func TestAuditLogFile(t *testing.T) {
	t.Parallel()
	if c := load(t, env{"AUDIT_LOG_FILE": "/var/log/audit.log"}); c.AuditLogFile != "/var/log/audit.log" {
		t.Errorf("%q", c.AuditLogFile)
	}
	want := `AUDIT_LOG_FILE (environment): got "a", allowed: with AUDIT_LOG=on`
	if got := problems(t, env{"AUDIT_LOG_FILE": "a", "AUDIT_LOG": "off"}); len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
}
