package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

func TestDefaults(t *testing.T) {
	c := load(t, nil)
	c.sources = nil
	want := Config{
		Host: "127.0.0.1", Port: 3000, DrainTimeout: 25 * time.Second, AdminAddr: "127.0.0.1:9090",
		AdminPprof:      "auto",
		AllowedOrigins:  []string{"http://localhost:3000", "http://127.0.0.1:3000"},
		AuthMode:        auth.ModeAuto,
		DefaultChannels: []string{"general"}, MaxRooms: 64,
		HistorySize: 256, HistoryTTL: 5 * time.Minute, HistoryMaxBytes: 64 << 20,
		MaxConnections: 10000, AuthFailures: 10, RateLimitInterval: 100 * time.Millisecond,
		RateLimitBurst: 20, PublishRate: 1000, PublishBurst: 2000, InactiveTimeout: 5 * time.Minute,
		SocketIOPath: "/socket.io", SocketIOAs: []string{"type"}, SocketIORecovery: true,
		SocketIOHeartbeatInterval: 30 * time.Second, SocketIOPingInterval: 25 * time.Second,
		SocketIOPingTimeout:    time.Minute,
		SocketIOConnectTimeout: 10 * time.Second, SocketIOMaxPayload: 1_000_000,
		SSEPath: "/sse", SSEAs: "type", SSEHeartbeatInterval: 3 * time.Second,
		SSECleanupInterval: 5 * time.Second, SSEMaxConnections: 1000,
		LogLevel: "info", LogFormat: "json", Command: "serve",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if c.Addr() != "127.0.0.1:3000" || c.Mode() != auth.ModeOpen || !c.OpenByDefault() ||
		!c.Loopback() {
		t.Errorf("%s %s", c.Addr(), c.Mode())
	}
	for _, s := range c.Settings() {
		if s.Source != "default" {
			t.Errorf("%s comes from %s", s.Env, s.Source)
		}
	}
}

// One setting through every source, in the order of precedence.
func TestPrecedence(t *testing.T) {
	path := file(t, "config.json", `{"port": 1001, "SSE_HEARTBEAT_INTERVAL": "2s"}`)
	for _, tt := range []struct {
		name, want, source string
		e                  env
		args               []string
	}{
		{"default", "3000", "default", nil, nil},
		{"file", "1001", "file " + path, nil, []string{"--config", path}},
		{"environment", "1002", "environment", env{"PORT": "1002"}, []string{"--config=" + path}},
		{"flag", "1003", "flag", env{"PORT": "1002"}, []string{"--config", path, "--port", "1003"}},
		{"flag after the command", "1003", "flag", env{"PORT": "1002"},
			[]string{"serve", "--port=1003"}},
		{"the last flag", "1004", "flag", nil, []string{"--port=1003", "serve", "--port=1004"}},
		{"empty variable", "1001", "file " + path, env{"PORT": ""}, []string{"--config", path}},
		{"a bad value that a flag hides", "1003", "flag", env{"PORT": "x"},
			[]string{"--port=1003"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tt.e, tt.args...)
			got := setting(t, c, "PORT")
			if got.Value != tt.want || got.Source != tt.source || c.Command != "serve" {
				t.Errorf("got %s from %s, want %s from %s", got.Value, got.Source, tt.want,
					tt.source)
			}
		})
	}
	c := load(t, nil, "--config", path)
	if got := setting(t, c, "SSE_HEARTBEAT_INTERVAL"); got.Value != "2s" {
		t.Errorf("a key named like the variable gave %s", got.Value)
	}
}

// Load reads the environment through lookup only, not that of the process.
func TestEnvironmentThroughLookupOnly(t *testing.T) {
	t.Setenv("PORT", "1")
	t.Setenv("LOG_LEVEL", "nonsense")
	if c := load(t, nil); c.Port != 3000 {
		t.Errorf("port %d", c.Port)
	}
}

func setting(t *testing.T, c Config, name string) Setting {
	t.Helper()
	for _, s := range c.Settings() {
		if s.Env == name {
			return s
		}
	}
	t.Fatalf("no setting %s", name)
	return Setting{}
}

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
			`got "fast", allowed: a duration such as 3s or ` +
				`a number of milliseconds from 10ms to 1h`},
		{"SSE_HEARTBEAT_INTERVAL", "0", `got "0"`},
		{"SSE_HEARTBEAT_INTERVAL", "9223372036854775807", `got "9223372036854775807"`},
		{"SSE_HEARTBEAT_INTERVAL", "-3s", `got "-3s"`},
		{"HISTORY_MAX_BYTES", "64M",
			`got "64M", allowed: a size such as 64MiB or a number of bytes from 64KiB to 1024GiB`},
		{"HISTORY_MAX_BYTES", "9999999999GiB", `got "9999999999GiB"`},
		{"HISTORY_SIZE", "0",
			`HISTORY_SIZE (environment): got "0", allowed: a whole number from 1 to 1000000`},
		{"MAX_CONNECTIONS", "0", `MAX_CONNECTIONS (environment): got "0"`},
		{"CONNECTION_UPDATES", "maybe", `got "maybe", allowed: true or false`},
		{"AUTH_MODE", "userid", `got "userid", allowed: token, ticket, open, auto`},
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
		{"ALLOWED_ORIGINS", "null", `got "null"`},
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

// The error lists the mistakes of all sources and shows no secret.
func TestErrorListsAllMistakes(t *testing.T) {
	path := file(t, "config.json",
		`{"history-size": "many", "colour": "red", "log-level": "info", "LOG_LEVEL": "debug", `+
			`"sse-path": {"a": 1}}`)
	e := env{"PORT": "x", "JWT_SECRET": "canary", "ALLOWED_ORIGINS": "*", "MAX_ROOMS": "-1"}
	got := problems(t, e, "--config", path, "--rate-limit-burst=0", "--auth-mode", "none")
	for i, want := range []string{
		`PORT (environment): got "x"`, `AUTH_MODE (flag --auth-mode): got "none"`,
		`MAX_ROOMS (environment): got "-1"`,
		`HISTORY_SIZE (file ` + path + `): got "many"`,
		`RATE_LIMIT_BURST (flag --rate-limit-burst): got "0"`,
		`colour in ` + path + `: unknown setting`, `duplicate log-level in ` + path,
		`sse-path in ` + path + `: allowed: a string`,
		`JWT_SECRET (environment): got 6 bytes, allowed: at least 32 bytes`,
		`ALLOWED_ORIGINS (environment): got "*"`,
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Fatalf("problem %d of\n  %s\nwant %q", i, strings.Join(got, "\n  "), want)
		}
	}
	if text := fmt.Sprint(got); len(got) != 10 || strings.Contains(text, "canary") {
		t.Errorf("%d problems: %s", len(got), text)
	}

	// An unknown flag does not hide the other mistakes.
	got = problems(t, e, "--colour", "red")
	text := strings.Join(got, "\n")
	if !strings.Contains(text, "unknown flag --colour") ||
		!strings.Contains(text, "PORT (environment)") {
		t.Errorf("got %q", got)
	}
	for _, args := range [][]string{{"sing"}, {"--port"}, {"--port", "--host"}, {"--config"},
		{"serve", "twice"}} {
		if len(problems(t, nil, args...)) == 0 {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	_, err := Load([]string{"--help"}, env{"PORT": "x"}.lookup, &out)
	if !errors.Is(err, ErrHelp) {
		t.Fatal(err)
	}
	text := out.String()
	for _, s := range fields() {
		if !strings.Contains(text, "--"+s.Name) && !strings.Contains(text, "--[no-]"+s.Name) ||
			!strings.Contains(strings.Join(strings.Fields(text), ""), "($"+s.Env+")") {
			t.Errorf("the help does not contain %s and %s", s.Name, s.Env)
		}
	}
	if !strings.HasPrefix(text, "Usage: roomcast") {
		t.Errorf("%.40s", text)
	}
}

// testCommands takes the place of the program's commands.
type testCommands struct {
	Shout struct {
		Text  string `arg:""`
		To    string `name:"to" env:"SHOUT_TO"`
		Times int    `name:"times" default:"1" min:"1" max:"9"`
	} `cmd:"" help:"Shout."`
}

// Commands read their flags by the same rules as settings, and combine with them.
func TestParseCommands(t *testing.T) {
	commands := new(testCommands)
	got, err := Parse([]string{"--port=81", "shout", "hey", "--times", "3"},
		env{"SHOUT_TO": "all"}.lookup, io.Discard, commands)
	if err != nil || got.Command != "shout" || got.Config.Port != 81 ||
		got.Config.Command != "shout" {
		t.Fatalf("%+v %v", got, err)
	}
	if s := commands.Shout; s.Text != "hey" || s.To != "all" || s.Times != 3 {
		t.Errorf("%+v", s)
	}
	got, err = Parse([]string{"shout", "hey", "--times", "10"}, env{"PORT": "x"}.lookup, io.Discard,
		new(testCommands))
	want := "settings: 2 mistakes\n" +
		"  PORT (environment): got \"x\", allowed: a whole number from 0 to 65535\n" +
		"  --times: got \"10\", allowed: a whole number from 1 to 9"
	if err == nil || err.Error() != want || got.Command != "shout" || got.Config.Port != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := Parse(nil, env{}.lookup, io.Discard, new(testCommands)); err != nil ||
		got.Command != "serve" {
		t.Errorf("%+v %v", got, err)
	}
}

// The help of a command lists its own flags; the help of the program lists the settings.
func TestHelpOfCommands(t *testing.T) {
	for args, settings := range map[string]bool{"--help": true, "shout --help": false,
		"serve --help": true} {
		var out bytes.Buffer
		_, err := Parse(strings.Fields(args), env{}.lookup, &out, new(testCommands))
		if !errors.Is(err, ErrHelp) {
			t.Fatalf("%s: %v", args, err)
		}
		if strings.Contains(out.String(), "--max-rooms") != settings ||
			strings.Contains(out.String(), "--times") == settings {
			t.Errorf("%s:\n%s", args, &out)
		}
	}
}
