package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// The preset changes the defaults of some settings, wherever it is set, and nothing that is set.
func TestNodePreset(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", `{"socketio-preset": "node"}`)
	for source, c := range map[string]Config{
		"environment": load(t, env{"SOCKETIO_PRESET": "node"}),
		"flag":        load(t, nil, "--socketio-preset=node"),
		"file":        load(t, nil, "--config", path),
	} {
		for name, want := range map[string]string{
			"AUTH_ANONYMOUS": "true", "DEFAULT_CHANNELS": "", "RATE_LIMIT_INTERVAL": "0s",
			"SOCKETIO_BUILTINS": "false", "SOCKETIO_RECOVERY": "false",
			"SOCKETIO_PING_INTERVAL": "25s", "SOCKETIO_PING_TIMEOUT": "20s",
			"SOCKETIO_CONNECT_TIMEOUT": "45s", "SOCKETIO_MAX_PAYLOAD": "1000000",
		} {
			got := setting(t, c, name)
			if got.Value != want || got.Source != "SOCKETIO_PRESET" {
				t.Errorf("%s: %s is %q from %s, want %q", source, name, got.Value, got.Source, want)
			}
		}
		if o := c.SocketIO(); !o.Plain || o.MaxAttachments != 64 {
			t.Errorf("%s: options %+v", source, o)
		}
		if got := setting(t, c, "SOCKETIO_PATH"); got.Source != "default" {
			t.Errorf("%s: %+v", source, got)
		}
	}
	if c := load(t, nil); c.SocketIO().Plain {
		t.Error("a server without the preset is plain")
	}
}

func TestSettingsWinOverThePreset(t *testing.T) {
	t.Parallel()
	path := file(t, "config.json", `{"rate-limit-interval": 50, "default-channels": ["lobby"]}`)
	c := load(t, env{"SOCKETIO_PRESET": "node", "SOCKETIO_RECOVERY": "true",
		"AUTH_ANONYMOUS": "false"}, "--socketio-builtins", "--socketio-ping-timeout=30s",
		"--config", path)
	if !c.SocketIORecovery || !c.SocketIOBuiltins || c.SocketIOPingTimeout != 30*time.Second ||
		c.RateLimitInterval != 50*time.Millisecond || c.AuthAnonymous ||
		!slices.Equal(c.DefaultChannels, []string{"lobby"}) {
		t.Errorf("%+v", c)
	}
	if got := setting(t, c, "SOCKETIO_RECOVERY"); got.Source != "environment" {
		t.Errorf("%+v", got)
	}
	// A flag names no preset, so the variable counts no longer.
	c = load(t, env{"SOCKETIO_PRESET": ""}, "--socketio-preset=node")
	if c.SocketIORecovery {
		t.Error("the preset of the flag has no effect")
	}
}

// The program says what is less safe with the preset, and only what the preset has changed.
func TestPresetWarnings(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name string
		env  env
		want int
	}{
		{"open mode", nil, 2},
		{"token mode", env{"JWT_SECRET": key}, 1},
		{"a rate", env{"JWT_SECRET": key, "RATE_LIMIT_INTERVAL": "100"}, 0},
		{"chosen", env{"AUTH_ANONYMOUS": "true", "RATE_LIMIT_INTERVAL": "0"}, 0},
	} {
		e := maps.Clone(tt.env)
		if e == nil {
			e = env{}
		}
		e["SOCKETIO_PRESET"] = "node"
		got := 0
		for _, w := range load(t, e).Warnings() {
			if strings.HasPrefix(w, "SOCKETIO_PRESET=node: ") {
				got++
			}
		}
		if got != tt.want {
			t.Errorf("%s: %d warnings, want %d", tt.name, got, tt.want)
		}
	}
}

func TestUnknownPreset(t *testing.T) {
	t.Parallel()
	_, err := Load(nil, env{"SOCKETIO_PRESET": "Node"}.lookup, nil)
	if err == nil || !strings.Contains(err.Error(),
		`SOCKETIO_PRESET (environment): got "Node", allowed: node`) {
		t.Errorf("%v", err)
	}
}
