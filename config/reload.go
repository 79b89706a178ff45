package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify/cluster/redisstream"
)

// Reload compares the settings of a running program with those that were read again. merged are the
// settings to run with: c, and of next those that the program can apply. applied has the names of
// these, and pending the names of the others that differ, which need a restart. A setting also
// differs when its file has another content. c and next do not change.
func (c Config) Reload(next Config) (merged Config, applied, pending []string) {
	merged, merged.sources = c, maps.Clone(c.sources)
	from, to := reflect.ValueOf(next), reflect.ValueOf(&merged).Elem()
	for _, s := range fields() {
		old := to.Field(s.index)
		switch {
		case reflect.DeepEqual(from.Field(s.index).Interface(), old.Interface()) &&
			!c.otherContent(next, s.Env):
		case c.canApply(next, s):
			applied = note(applied, next.origin(s.Env))
			old.Set(from.Field(s.index))
			merged.sources[s.Env] = next.sources[s.Env]
		default:
			pending = note(pending, next.origin(s.Env))
		}
	}
	if slices.Contains(applied, "JWT_PUBLIC_KEY_FILE") {
		merged.publicKeys = next.publicKeys
	}
	if slices.Contains(applied, "JWT_SECRET") || slices.Contains(applied, "JWT_SECRET_FILE") {
		merged.JWTFurther = next.JWTFurther
	}
	if slices.Contains(applied, "TLS_CERT_FILE") {
		merged.certificate = next.certificate
	}
	merged.strayFiles = next.strayFiles
	return merged, applied, pending
}

// origin returns the setting that has the value of a setting: that of a secret file for its secret.
func (c Config) origin(env string) string {
	if file := env + "_FILE"; c.sources[env] == file {
		return file
	}
	return env
}

// note adds a name once.
func note(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// otherContent reports whether the file that a setting names has changed. The contents of other
// secret files are in the settings themselves.
func (c Config) otherContent(next Config, env string) bool {
	switch env {
	case "TLS_CERT_FILE":
		return !reflect.DeepEqual(c.certificate, next.certificate)
	case "JWT_SECRET":
		return !reflect.DeepEqual(c.JWTFurther, next.JWTFurther)
	case "JWT_PUBLIC_KEY_FILE":
		return !reflect.DeepEqual(c.publicKeys, next.publicKeys)
	}
	return false
}

// canApply reports whether a running program can take the setting over. None can turn into another
// mode, get TLS, or get a key for the second listener, because the listeners are open already. Those
// who have a secret to check or to sign with cannot be without one.
func (c Config) canApply(next Config, s Setting) bool {
	switch s.Env {
	case "AUTH_ANONYMOUS", "JWT_SECRET", "JWT_SECRET_FILE", "JWT_PUBLIC_KEY_FILE", "JWT_ISSUER",
		"JWT_AUDIENCE", "PUBLIC_CHANNELS":
		return c.Mode() == next.Mode() && c.JWTJWKSURL == next.JWTJWKSURL
	case "TLS_CERT_FILE", "TLS_KEY_FILE":
		return (c.TLSCertFile == "") == (next.TLSCertFile == "")
	case "ADMIN_KEY", "ADMIN_KEY_FILE":
		return (len(c.AdminKey) == 0) == (len(next.AdminKey) == 0)
	case "ADMIN_UI_PASSWORD_HASH", "ADMIN_UI_PASSWORD_HASH_FILE":
		return (len(c.AdminUIPasswordHash) == 0) == (len(next.AdminUIPasswordHash) == 0)
	case "REDIS_URL", "REDIS_URL_FILE":
		return c.RedisURL == next.RedisURL ||
			redisstream.DiffersInUser(auth.Secret(c.RedisURL), auth.Secret(next.RedisURL))
	case "HOOK_SECRET", "HOOK_SECRET_FILE":
		return (len(c.HookSecret) == 0) == (len(next.HookSecret) == 0)
	}
	return s.Reloads
}
