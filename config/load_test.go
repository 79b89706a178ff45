package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/limit"
)

func TestDefaults(t *testing.T) {
	c := load(t, nil)
	c.sources = nil
	want := Config{
		Host: "127.0.0.1", Port: 3000, SocketMode: "0660",
		ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory", ACMEHTTPAddr: ":80", DrainTimeout: 25 * time.Second, AdminAddr: "127.0.0.1:9090",
		AdminUI: "off", AdminUIReadOnly: true, AdminUIUsername: "admin", AdminUINamespace: "/admin",
		AdminPprof:      "auto",
		AllowedOrigins:  []string{"http://localhost:3000", "http://127.0.0.1:3000"},
		AuthMode:        auth.ModeAuto,
		DefaultChannels: []string{"general"}, MaxRooms: 64,
		HistorySize: 1024, HistoryMinAge: 10 * time.Second, HistoryTTL: 5 * time.Minute, HistoryMaxBytes: 64 << 20,
		RetainedSize: 256, RetainedMaxBytes: 16 << 20,
		DataSync: "always", DataMaxBytes: 1 << 30,
		RedisStream: "socket.io", RedisIngestChannel: "socketio", RedisMaxLen: 100_000, Durability: "stored",
		RedisIngestKey: "socket.io",
		MaxConnections: 10000, AuthFailures: 10, HandshakeRate: limit.HandshakeRate(),
		RateLimitInterval: 100 * time.Millisecond,
		RateLimitBurst:    20, PublishRate: 1000, PublishBurst: 2000, InactiveTimeout: 5 * time.Minute,
		SocketIOPath: "/socket.io", SocketIOAs: []string{"type"}, SocketIORecovery: true,
		SocketIOParser:   "default",
		SocketIOBuiltins: true, EventsTimeout: 5 * time.Second, EventsConcurrency: 256,
		EventsBatch:    1,
		ConnectTimeout: 5 * time.Second, ConnectConcurrency: 64,
		HookAllowPrivate: "auto", WebhookEvents: []string{"*"}, WebhookRetry: 15 * time.Minute,
		SocketIOHeartbeatInterval: 30 * time.Second, SocketIOPingInterval: 25 * time.Second,
		SocketIOPingTimeout:    time.Minute,
		SocketIOConnectTimeout: 10 * time.Second, SocketIOMaxPayload: 1_000_000,
		SocketIOReceiveRate: 4 << 20, SocketIOMaxNamespaces: 100,
		SSEPath: "/sse", SSEAs: "type", SSEHeartbeatInterval: 3 * time.Second,
		SSECleanupInterval: 5 * time.Second, SSEMaxConnections: 1000,
		LogLevel: "info", LogFormat: "json", AuditLog: "on", Traces: "off", TracesRatio: 1, Command: "serve",
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
	for _, args := range [][]string{
		{"sing"}, {"--port"}, {"--port", "--host"}, {"--config"},
		{"serve", "twice"},
	} {
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
