package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

const otherSecret = "abcdef0123456789abcdef0123456789"

// directory returns a directory with these files.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	path := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestSecretsDir(t *testing.T) {
	t.Parallel()
	const hash = "$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"
	path := directory(t, map[string]string{
		"JWT_SECRET": secret32 + "\n" + otherSecret + "\n", "API_KEYS": "k1\nk2:user:*\n",
		"ADMIN_KEY": secret32 + "\n", "ADMIN_UI_PASSWORD_HASH": hash, "REDIS_URL": "redis://:pw@r:6379\n",
		"HOOK_SECRET": secret32 + "," + otherSecret, "jwt-secret": "x", "..hidden": "x", "API_KEY": "x",
	})
	if err := os.Mkdir(filepath.Join(path, "..data"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := load(t, env{"SECRETS_DIR": path, "PUBLISH_RATE": "7"})
	if string(c.JWTSecret) != secret32 || len(c.JWTFurther) != 1 || len(c.APIKeys) != 2 ||
		string(c.AdminKey) != secret32 || string(c.AdminUIPasswordHash) != hash ||
		string(c.Redis().URL) != "redis://:pw@r:6379" || len(c.HookSecret) != 2 {
		t.Errorf("%+v, Redis %v", c.Settings(), c.RedisURL != "")
	}
	if s := setting(t, c, "JWT_SECRET"); s.Value != "***" || s.Source != "JWT_SECRET_FILE" {
		t.Errorf("%+v", s)
	}
	if s := setting(t, c, "JWT_SECRET_FILE"); s.Value != filepath.Join(path, "JWT_SECRET") || s.Source != "SECRETS_DIR" {
		t.Errorf("%+v", s)
	}
	if s := setting(t, c, "REDIS_URL"); strings.Contains(s.Value, "pw") {
		t.Errorf("%+v", s)
	}
	warnings := strings.Join(c.Warnings(), "\n")
	for name, want := range map[string]bool{"jwt-secret": true, "API_KEY": true, "..hidden": false, "..data": false} {
		if got := strings.Contains(warnings, `SECRETS_DIR has the file "`+name+`", and no secret has this name`); got != want {
			t.Errorf("%s: %s", name, warnings)
		}
	}
}

// The directory has the rank of its own source, and a secret has one place of each rank.
func TestRankOfSecretsDir(t *testing.T) {
	t.Parallel()
	path := directory(t, map[string]string{"JWT_SECRET": secret32, "API_KEYS": "k1"})
	key, settings := file(t, "key", otherSecret), file(t, "settings.json", `{"api-keys": ["k2", "k3"]}`)
	c := load(t, env{"SECRETS_DIR": path}, "--config", settings)
	if len(c.APIKeys) != 1 || string(c.JWTSecret) != secret32 {
		t.Error("the settings file takes precedence over a directory of the environment")
	}
	c = load(t, env{"JWT_SECRET": otherSecret}, "--secrets-dir", path)
	if string(c.JWTSecret) != secret32 {
		t.Error("the environment takes precedence over the directory of a flag")
	}
	for name, c := range map[string]Config{
		"secret": load(t, env{"SECRETS_DIR": path}, "--jwt-secret", otherSecret),
		"file":   load(t, env{"SECRETS_DIR": path}, "--jwt-secret-file", key),
	} {
		if string(c.JWTSecret) != otherSecret || len(c.APIKeys) != 1 {
			t.Errorf("%s: the directory takes precedence over a flag", name)
		}
	}
	for _, tt := range []struct {
		e    env
		want string
	}{
		{env{"SECRETS_DIR": path, "JWT_SECRET": otherSecret}, "JWT_SECRET and " + filepath.Join(path, "JWT_SECRET") +
			" in SECRETS_DIR: both set (environment), allowed: one of them"},
		{env{"SECRETS_DIR": path, "JWT_SECRET_FILE": key}, "JWT_SECRET_FILE and " + filepath.Join(path, "JWT_SECRET") +
			" in SECRETS_DIR: both set (environment), allowed: one of them"},
		{env{"SECRETS_DIR": path + "x", "ENV": "production", "EVENTS_URL": "http://h"},
			"SECRETS_DIR (environment): open " + path + "x: "},
		{env{"SECRETS_DIR": directory(t, map[string]string{"api-keys": "k"})}, "has no secret, expected files with the names"},
		{env{"SECRETS_DIR": directory(t, map[string]string{"JWT_SECRET": ""})}, "JWT_SECRET_FILE (SECRETS_DIR): "},
		{env{"REDIS_URL_FILE": key + "x", "CLUSTER_ADVERTISE": "http://h:1"}, "REDIS_URL_FILE (environment): open "},
		{env{"REDIS_URL_FILE": key}, "REDIS_URL (REDIS_URL_FILE) and REDIS_STREAM (default): "},
	} {
		if got := problems(t, tt.e); len(got) != 1 || !strings.Contains(got[0], tt.want) ||
			strings.Contains(got[0], otherSecret) {
			t.Errorf("%v: %q, want %q", tt.e, got, tt.want)
		}
	}
}

// Reread takes over what secret files have in them, and nothing else.
func TestReread(t *testing.T) {
	t.Parallel()
	path := directory(t, map[string]string{"API_KEYS": "k1", "JWT_SECRET": secret32 + "\n" + otherSecret})
	hook := file(t, "hook", secret32)
	e := env{"SECRETS_DIR": path, "HOOK_SECRET_FILE": hook, "EVENTS_URL": "http://h", "ADMIN_KEY": secret32,
		"ADMIN_ADDR": "0.0.0.0:9090"}
	before := load(t, e)
	if again, err := before.Reread(); err != nil || !reflect.DeepEqual(again, before) {
		t.Fatalf("without a change: %v", err)
	}
	e["LOG_LEVEL"] = "debug" // of the process, which does not see it
	change := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(hook, otherSecret+"\n"+secret32)
	change(filepath.Join(path, "JWT_SECRET"), otherSecret)
	change(filepath.Join(path, "API_KEYS"), "k2\nk3")
	after, err := before.Reread()
	if err != nil {
		t.Fatal(err)
	}
	merged, applied, pending := before.Reload(after)
	if want := []string{"JWT_SECRET_FILE", "API_KEYS_FILE", "HOOK_SECRET_FILE"}; !reflect.DeepEqual(applied, want) || pending != nil {
		t.Errorf("applied %q and pending %q", applied, pending)
	}
	if string(merged.JWTSecret) != otherSecret || len(merged.JWTFurther) != 0 || merged.LogLevel != "info" ||
		!reflect.DeepEqual(merged.HookSecret, []auth.Secret{[]byte(otherSecret), []byte(secret32)}) ||
		len(before.JWTFurther) != 1 || len(before.HookSecret) != 1 || !reflect.DeepEqual(merged, after) {
		t.Errorf("%+v", merged.Settings())
	}
	// The loader reads the same.
	delete(e, "LOG_LEVEL")
	if !reflect.DeepEqual(load(t, e), merged) {
		t.Error("a start reads other settings")
	}
	change(filepath.Join(path, "REDIS_URL"), "redis://r:6379") // new
	if after, err = merged.Reread(); err != nil {
		t.Fatal(err)
	}
	if _, applied, pending = merged.Reload(after); applied != nil || !reflect.DeepEqual(pending, []string{"REDIS_URL_FILE"}) {
		t.Errorf("applied %q and pending %q", applied, pending)
	}
	change(filepath.Join(path, "JWT_SECRET"), "short")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	_, err = merged.Reread()
	for _, want := range []string{"HOOK_SECRET_FILE (environment): open ", "JWT_SECRET (JWT_SECRET_FILE): got 5 bytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A secret from a pipe, as of JWT_SECRET_FILE=<(command), is read once.
func TestRereadLeavesPipes(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("this system has no ", path)
	}
	if _, err = w.WriteString(secret32 + "\n" + otherSecret); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	keys := file(t, "keys", "k1")
	before := load(t, env{"JWT_SECRET_FILE": path, "API_KEYS_FILE": keys})
	if err := os.WriteFile(keys, []byte("k2"), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := before.Reread()
	if err != nil || string(after.JWTSecret) != secret32 || len(after.JWTFurther) != 1 {
		t.Fatalf("%v, %d bytes", err, len(after.JWTSecret))
	}
	if _, applied, _ := before.Reload(after); !reflect.DeepEqual(applied, []string{"API_KEYS_FILE"}) {
		t.Errorf("applied %q", applied)
	}
}
