package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 24)
	c := load(t, env{
		"EVENTS_URL":         "https://app.example.com/events,/chat=http://127.0.0.1:4000/,*=http://h/",
		"EVENTS_CONNECTIONS": "true",
		"HOOK_SECRET":        "whsec_" + strings.Repeat("AAAA", 6) + "," + secret,
	})
	o := c.Hooks()
	if o.Events.URLs["/"] != "https://app.example.com/events" ||
		o.Events.URLs["/chat"] != "http://127.0.0.1:4000/" || o.Events.URLs["*"] != "http://h/" ||
		len(o.Secrets) != 2 || !o.AllowPrivate || !o.Events.Connections {
		t.Errorf("%+v", o)
	}
	c = load(t, env{"JWT_SECRET": strings.Repeat("s", 32)})
	if c.Hooks().Events.Connections {
		t.Error("connections are posted without the setting")
	}
	if c.Hooks().AllowPrivate {
		t.Error("private addresses are allowed in token mode")
	}
	for _, tt := range []struct{ url, secret, want string }{
		{"ftp://h", secret, "EVENTS_URL (environment): entry 1 expected http://… or https://…"},
		{"http://h,http://i", secret, "entry 2 is the second one for the namespace /"},
		{"/a#b=http://h", secret, "namespace"},
		{"http://h", "", "HOOK_SECRET: missing"},
		{"http://h", "short", "HOOK_SECRET (environment): secret 1 has 5 bytes"},
		{"http://h", "whsec_????????????????????", "secret 1 starts with whsec_ and is not base64"},
	} {
		got := strings.Join(problems(t, env{"EVENTS_URL": tt.url, "HOOK_SECRET": tt.secret}), "\n")
		if !strings.Contains(got, tt.want) || tt.secret != "" && strings.Contains(got, tt.secret) {
			t.Errorf("%s: %s, want %s", tt.url, got, tt.want)
		}
	}
}

func TestConnectHook(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 24)
	c := load(t, env{"AUTH_MODE": "hook", "CONNECT_URL": "http://127.0.0.1:4000/", "HOOK_SECRET": secret,
		"CONNECT_TIMEOUT": "2s", "CONNECT_CONCURRENCY": "8", "ENV": "production"})
	o := c.Hooks()
	if o.Connects.URL != "http://127.0.0.1:4000/" || o.Connects.Timeout != 2*time.Second ||
		o.Connects.Concurrency != 8 || o.AllowPrivate || c.Mode() != auth.ModeHook || c.Host != "0.0.0.0" {
		t.Errorf("%+v, %s", o, c.Host)
	}
	for _, tt := range []struct {
		e    env
		want string
	}{
		{env{"AUTH_MODE": "hook", "HOOK_SECRET": secret}, "allowed: hook with CONNECT_URL"},
		{env{"CONNECT_URL": "http://h", "HOOK_SECRET": secret}, "allowed: hook with CONNECT_URL"},
		{env{"AUTH_MODE": "hook", "CONNECT_URL": "h", "HOOK_SECRET": secret}, "CONNECT_URL (environment): expected http://"},
		{env{"AUTH_MODE": "hook", "CONNECT_URL": "http://h"}, "HOOK_SECRET: missing"},
		{env{"AUTH_MODE": "hook", "CONNECT_URL": "http://h", "HOOK_SECRET": secret, "JWT_SECRET": strings.Repeat("k", 32)},
			"hook without a JWT key"},
		{env{"AUTH_MODE": "hook", "CONNECT_URL": "http://h", "HOOK_SECRET": secret, "CONNECT_TIMEOUT": "20s"},
			"CONNECT_TIMEOUT (environment): got 20s, allowed: at most SOCKETIO_CONNECT_TIMEOUT, 10s"},
	} {
		if got := strings.Join(problems(t, tt.e), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %s, want %s", tt.e, got, tt.want)
		}
	}
}

// A password in the URL of another server is in no listing of the settings, and in no error.
func TestURLsShowNoPasswords(t *testing.T) {
	t.Parallel()
	const user = "user:hunter2@"
	e := env{"AUTH_MODE": "hook", "HOOK_SECRET": strings.Repeat("s", 24),
		"CONNECT_URL": "https://" + user + "h/connect?key=hunter2",
		"EVENTS_URL":  "https://" + user + "h/events,/chat=https://" + user + "h/chat"}
	want := map[string]string{"CONNECT_URL": "https://h/connect",
		"EVENTS_URL": "https://h/events,/chat=https://h/chat"}
	c := load(t, e)
	for _, s := range c.Settings() {
		if shown, ok := want[s.Env]; ok && s.Value != shown {
			t.Errorf("%s is shown as %s", s.Env, s.Value)
		}
		delete(want, s.Env)
	}
	if len(want) > 0 || strings.Contains(fmt.Sprintf("%v %+v", c, c), "hunter2") {
		t.Errorf("%+v; not shown: %v", c, want)
	}
	if o := c.Hooks(); !strings.Contains(o.Connects.URL, "hunter2") || !strings.Contains(o.Events.URLs["/chat"], "hunter2") {
		t.Errorf("the hooks have no password: %+v", o)
	}
	for _, wrong := range []env{
		{"UPSTREAM_URL": "http://" + user + "127.0.0.1:3000"},
		{"UPSTREAM_URL": "http://" + user + "h/path"},
		{"UPSTREAM_URL": "http://" + user + "h o"},
		{"JWT_JWKS_URL": "http://" + user + "h/keys"},
		{"EVENTS_URL": "ftp://" + user + "h", "HOOK_SECRET": strings.Repeat("s", 24)},
		{"AUTH_MODE": "hook", "CONNECT_URL": "ftp://" + user + "h", "HOOK_SECRET": strings.Repeat("s", 24)},
	} {
		if got := strings.Join(problems(t, wrong), "\n"); got == "" || strings.Contains(got, "hunter2") {
			t.Errorf("%v: %q", wrong, got)
		}
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 24)
	c := load(t, env{
		"WEBHOOK_URLS": "https://app.example.com/hooks?key=hidden,https://name:hidden@b.example/",
		"HOOK_SECRET":  secret, "WEBHOOK_EVENTS": "user.*,connection.closed", "WEBHOOK_RETRY": "1h",
	})
	o := c.Hooks()
	if strings.Join(o.Webhooks.URLs, " ") !=
		"https://app.example.com/hooks?key=hidden https://name:hidden@b.example/" ||
		strings.Join(o.Webhooks.Events, " ") != "user.online user.offline connection.closed" ||
		o.Webhooks.Retry != time.Hour || o.Webhooks.Timeout != 15*time.Second {
		t.Errorf("%+v", o.Webhooks)
	}
	if s := setting(t, c, "WEBHOOK_URLS"); s.Value != "https://app.example.com/hooks,https://b.example/" {
		t.Errorf("shown as %s", s.Value)
	}
	if all := load(t, nil).Hooks().Webhooks; len(all.Events) != 7 {
		t.Errorf("by default %q", all.Events)
	}
	many := strings.Repeat("http://h,", 17)
	for _, tt := range []struct{ urls, events, secret, want string }{
		{"ftp://h", "*", secret, "WEBHOOK_URLS (environment): entry 1 expected http://… or https://…"},
		{"http://h/?key=hidden,http://h/?key=hidden", "*", secret, "entry 2 is the same as entry 1"},
		{many, "*", secret, "has 17 URLs, expected at most 16"},
		{"http://h", "*", "", "HOOK_SECRET: missing, expected a secret with WEBHOOK_URLS"},
		{"http://h", "user.gone", secret, `WEBHOOK_EVENTS (environment): "user.gone" is no event, ` +
			"expected connection.opened, connection.closed, user.online, user.offline"},
		{"http://h", "users.*", secret, `"users.*" is no event`},
		{"http://h", "user.[", secret, `"user.[" is no event`},
		{"http://h", "", secret, "WEBHOOK_EVENTS (environment): is empty"},
	} {
		got := strings.Join(problems(t, env{"WEBHOOK_URLS": tt.urls, "WEBHOOK_EVENTS": tt.events,
			"HOOK_SECRET": tt.secret}), "\n")
		if !strings.Contains(got, tt.want) || strings.Contains(got, "hidden") {
			t.Errorf("%s %s: %s, want %s", tt.urls, tt.events, got, tt.want)
		}
	}
}
