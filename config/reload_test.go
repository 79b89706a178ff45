package config

import (
	"os"
	"reflect"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

func TestReload(t *testing.T) {
	t.Parallel()
	const jwks, other = "https://id.example/jwks", "abcdef0123456789abcdef0123456789"
	for name, tt := range map[string]struct {
		before, after    env
		applied, pending []string
	}{
		"nothing": {env{"PORT": "1"}, env{"PORT": "1"}, nil, nil},
		"everything that can change": {nil, env{
			"ALLOWED_ORIGINS": "https://a.example", "API_KEYS": "k1,k2", "AUTH_FAILURES": "3",
			"DRAIN_TIMEOUT": "1s", "LOG_LEVEL": "debug", "MAX_CONNECTIONS": "7",
			"PUBLISH_RATE": "3", "SSE_MAX_CONNECTIONS": "3",
		}, []string{"ALLOWED_ORIGINS", "DRAIN_TIMEOUT", "API_KEYS", "MAX_CONNECTIONS",
			"AUTH_FAILURES", "PUBLISH_RATE", "SSE_MAX_CONNECTIONS", "LOG_LEVEL"}, nil},
		"both": {nil, env{"PORT": "1", "LOG_LEVEL": "warn", "SSE_PATH": "/events"},
			[]string{"LOG_LEVEL"}, []string{"PORT", "SSE_PATH"}},
		"a secret": {env{"JWT_SECRET": secret32}, env{"JWT_SECRET": other}, []string{"JWT_SECRET"},
			nil},
		"another mode": {nil, env{"JWT_SECRET": secret32}, nil, []string{"HOST", "JWT_SECRET"}},
		"another key set": {env{"JWT_JWKS_URL": jwks}, env{"JWT_JWKS_URL": jwks + "2",
			"JWT_ISSUER": "x"}, nil, []string{"JWT_JWKS_URL", "JWT_ISSUER"}},
		"a key for the second listener": {nil, env{"ADMIN_KEY": secret32}, nil,
			[]string{"ADMIN_KEY"}},
		"another key for it": {env{"ADMIN_KEY": secret32}, env{"ADMIN_KEY": other},
			[]string{"ADMIN_KEY"}, nil},
		"another password of Redis": {env{"REDIS_URL": "redis://u:a@r"}, env{"REDIS_URL": "redis://u:b@r"},
			[]string{"REDIS_URL"}, nil},
		"another Redis": {env{"REDIS_URL": "redis://u:a@r"}, env{"REDIS_URL": "redis://u:a@s"}, nil,
			[]string{"REDIS_URL"}},
		"a secret of hooks": {env{"HOOK_SECRET": secret32, "EVENTS_URL": "http://h"},
			env{"HOOK_SECRET": other + "," + secret32, "EVENTS_URL": "http://h"}, []string{"HOOK_SECRET"}, nil},
		"no hooks any more": {env{"HOOK_SECRET": secret32, "EVENTS_URL": "http://h"}, nil, nil,
			[]string{"EVENTS_URL", "HOOK_SECRET"}},
	} {
		before, after := load(t, tt.before), load(t, tt.after)
		merged, applied, pending := before.Reload(after)
		if !reflect.DeepEqual(applied, tt.applied) || !reflect.DeepEqual(pending, tt.pending) {
			t.Errorf("%s: applied %q and pending %q, want %q and %q", name, applied, pending,
				tt.applied, tt.pending)
		}
		// The pending ones are still pending the next time, and nothing is applied twice.
		_, applied, pending = merged.Reload(after)
		if applied != nil || !reflect.DeepEqual(pending, tt.pending) {
			t.Errorf("%s, again: applied %q and pending %q", name, applied, pending)
		}
		if _, applied, pending = before.Reload(before); applied != nil || pending != nil {
			t.Errorf("%s: the settings themselves differ: %q %q", name, applied, pending)
		}
	}
}

// A file with another content is a change, also when its name is the same.
func TestReloadOfFiles(t *testing.T) {
	t.Parallel()
	e := env{"API_KEYS_FILE": file(t, "keys", "first\nsecond"),
		"JWT_SECRET_FILE": file(t, "secret", secret32)}
	before := load(t, e)
	if err := os.WriteFile(e["API_KEYS_FILE"], []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	merged, applied, pending := before.Reload(load(t, e))
	if !reflect.DeepEqual(applied, []string{"API_KEYS_FILE"}) || pending != nil {
		t.Errorf("applied %q and pending %q", applied, pending)
	}
	e["API_KEYS_FILE"] = file(t, "others", "third") // the name and the keys change
	if _, applied, _ = merged.Reload(load(t, e)); !reflect.DeepEqual(applied, []string{"API_KEYS_FILE"}) {
		t.Errorf("applied %q", applied)
	}
	if !reflect.DeepEqual(merged.APIKeys, []auth.Secret{[]byte("second")}) ||
		len(before.APIKeys) != 2 {
		t.Errorf("%d keys, before %d", len(merged.APIKeys), len(before.APIKeys))
	}
	former := load(t, e)
	if err := os.WriteFile(e["JWT_SECRET_FILE"], []byte(secret32+"\n"+secret32+"2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} { // a second secret, and without it again
		merged, applied, pending = former.Reload(load(t, e))
		if !reflect.DeepEqual(applied, []string{"JWT_SECRET_FILE"}) || pending != nil ||
			len(merged.JWTFurther) != want || len(merged.Auth().Further) != want {
			t.Errorf("applied %q and pending %q, %d further secrets", applied, pending, len(merged.JWTFurther))
		}
		former = merged
		if err := os.WriteFile(e["JWT_SECRET_FILE"], []byte(secret32), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
