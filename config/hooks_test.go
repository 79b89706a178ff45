package config

import (
	"strings"
	"testing"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 24)
	c := load(t, env{
		"EVENTS_URL":  "https://app.example.com/events,/chat=http://127.0.0.1:4000/,*=http://h/",
		"HOOK_SECRET": "whsec_" + strings.Repeat("AAAA", 6) + "," + secret,
	})
	o := c.Hooks()
	if o.Events.URLs["/"] != "https://app.example.com/events" ||
		o.Events.URLs["/chat"] != "http://127.0.0.1:4000/" || o.Events.URLs["*"] != "http://h/" ||
		len(o.Secrets) != 2 || !o.AllowPrivate {
		t.Errorf("%+v", o)
	}
	c = load(t, env{"JWT_SECRET": strings.Repeat("s", 32)})
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
