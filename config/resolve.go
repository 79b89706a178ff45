package config

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/keypair"
)

// resolve sets the values that depend on other settings and checks the rules that concern several
// settings.
func (l *loader) resolve(c *Config) {
	l.readSecretFiles(c)
	l.resolveAuth(c)
	l.resolveHost(c)
	l.checkSocketMode(c)
	l.resolveOrigins(c)
	l.checkUpstream(c)
	l.checkTLS(c)
	l.resolveACME(c)
	l.resolveAdmin(c)
	l.checkAdminUI(c)
	l.checkPaths(c)
	l.checkNames(c)
	l.checkHooks(c)
	l.checkClientFiles(c)
	l.checkReceiveRate(c)
	l.checkRedis(c)
	if c.AuditLogFile != "" && c.AuditLog == "off" {
		l.wrong(c, "AUDIT_LOG_FILE", c.AuditLogFile, "with AUDIT_LOG=on")
	}
}

// wrong adds the mistake that a setting has a value that is not allowed.
func (l *loader) wrong(c *Config, env string, got any, allowed string) {
	switch v := got.(type) {
	case string:
		got = fmt.Sprintf("%q", v)
	case size:
		got = fmt.Sprintf("%d bytes", int(v))
	}
	l.fail("%s (%s): got %v, allowed: %s", env, sourceOf(c, env), got, allowed)
}

// sourceOf returns the source of a setting for messages.
func sourceOf(c *Config, env string) string {
	switch source := c.sources[env]; source {
	case "":
		return "default"
	case "flag":
		return "flag --" + strings.ToLower(strings.ReplaceAll(env, "_", "-"))
	default:
		return source
	}
}

// controls is what a key has that does not fit into a header.
const controls = "a key with a line end or another control character"

// fitsHeader reports whether requests can have the key in a header. No request can use another one.
func fitsHeader(key auth.Secret) bool {
	return !bytes.ContainsFunc(key, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// size is the length of a secret, which a message shows in place of the secret.
type size int

func (l *loader) resolveAuth(c *Config) {
	for i, entry := range c.APIKeys {
		if _, _, err := auth.ParseAPIKey(string(entry)); err != nil {
			l.wrong(c, "API_KEYS", fmt.Errorf("%d bytes as entry %d", len(entry), i+1), err.Error())
		} else if !fitsHeader(entry) {
			l.wrong(c, "API_KEYS", fmt.Errorf("%s as entry %d", controls, i+1), "what a header can carry")
		}
	}
	if n := len(c.JWTSecret); n > 0 && n < auth.MinSecret {
		l.wrong(c, "JWT_SECRET", size(n),
			"at least 32 bytes, such as the output of: openssl rand -base64 48")
	}
	if n := 1 + len(c.JWTFurther); n > 1+auth.MaxFurther {
		l.fail("JWT_SECRET (%s): got %d secrets, allowed: at most %d, one a line",
			sourceOf(c, "JWT_SECRET"), n, 1+auth.MaxFurther)
	}
	for i, secret := range c.JWTFurther {
		if n := len(secret); n < auth.MinSecret {
			l.fail("JWT_SECRET (%s): got %d bytes as secret %d, allowed: at least %d bytes, "+
				"one secret a line", sourceOf(c, "JWT_SECRET"), n, i+2, auth.MinSecret)
		}
	}
	if c.JWTPublicKeyFile != "" && c.readsSecrets() && !l.readOnce["JWT_PUBLIC_KEY_FILE"] {
		l.readPublicKeys(c)
	}
	if c.JWTJWKSURL != "" {
		if err := auth.CheckKeySetURL(string(c.JWTJWKSURL)); err != nil {
			l.fail("JWT_JWKS_URL (%s): %s", sourceOf(c, "JWT_JWKS_URL"), err)
		}
	}
	l.resolveMode(c)
}

func (l *loader) resolveMode(c *Config) {
	switch {
	case c.JWTPublicKeyFile != "" && c.JWTJWKSURL != "":
		l.fail("JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL: both set, allowed: one of them")
	case c.AuthMode == auth.ModeToken && noKey(c):
		l.wrong(c, "AUTH_MODE", string(c.AuthMode),
			"token with "+keySettings+"; without a key ticket, open or auto")
	case c.AuthMode == auth.ModeTicket && !noKey(c):
		l.wrong(c, "AUTH_MODE", string(c.AuthMode),
			"ticket without a JWT key; with a key token, which accepts tickets too")
	case c.AuthMode == auth.ModeHook && !noKey(c):
		l.wrong(c, "AUTH_MODE", string(c.AuthMode),
			"hook without a JWT key: the hook decides about tokens too; with a key token")
	case c.AuthMode == auth.ModeHook && c.ConnectURL == "":
		l.wrong(c, "AUTH_MODE", string(c.AuthMode), "hook with CONNECT_URL")
	case c.AuthMode != auth.ModeHook && c.ConnectURL != "":
		l.wrong(c, "AUTH_MODE", string(c.AuthMode), "hook with CONNECT_URL")
	case c.Mode() == auth.ModeOpen && (c.AuthMode == auth.ModeOpen || noKey(c)) &&
		strings.EqualFold(c.Environment, "production") &&
		(c.Command == "serve" || c.Command == "config"): // other commands call a server elsewhere
		l.wrong(c, "ENV", c.Environment, "production with AUTH_MODE=ticket, AUTH_MODE=hook or "+keySettings+
			"; in open mode every userId is accepted, which needs another ENV")
	}
}

// keySettings are the settings that set a key for tokens.
const keySettings = "JWT_SECRET, JWT_SECRET_FILE, JWT_PUBLIC_KEY_FILE or JWT_JWKS_URL"

func (l *loader) readPublicKeys(c *Config) {
	text, err := l.readAll(c.JWTPublicKeyFile)
	if err == nil {
		if c.publicKeys, err = auth.ParsePublicKeys(text); err != nil {
			err = fmt.Errorf("%s: %w", c.JWTPublicKeyFile, err)
		}
	}
	if err != nil {
		l.fail("JWT_PUBLIC_KEY_FILE (%s): %s", sourceOf(c, "JWT_PUBLIC_KEY_FILE"), err)
	}
}

// noKey reports whether no setting names a key. A key file that cannot be read is a separate
// mistake.
func noKey(c *Config) bool {
	return len(c.JWTSecret) == 0 && c.JWTSecretFile == "" && c.JWTPublicKeyFile == "" &&
		c.JWTJWKSURL == ""
}

func (l *loader) checkUpstream(c *Config) {
	if c.UpstreamURL == "" {
		return
	}
	u, err := url.Parse(string(c.UpstreamURL))
	if err != nil {
		l.wrong(c, "UPSTREAM_URL", size(len(c.UpstreamURL)), "a URL such as http://127.0.0.1:3001")
		return
	}
	application, ok := originOfURL(string(c.UpstreamURL))
	switch {
	case !ok || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		l.wrong(c, "UPSTREAM_URL", u.Redacted(),
			"a URL such as http://127.0.0.1:3001, without path")
	case int(application.port) == c.Port &&
		(isLoopback(application.host) || application.host == strings.ToLower(c.Host)):
		l.wrong(c, "UPSTREAM_URL", u.Redacted(),
			"the URL of the application, not of this server; "+
				"change PORT or the port of the application")
	}
}

func (l *loader) checkHooks(c *Config) {
	if _, err := hooks.ParseURLs(texts(c.EventsURL)); err != nil {
		l.fail("EVENTS_URL (%s): %s", sourceOf(c, "EVENTS_URL"), err)
	}
	if err := hooks.CheckSecrets(c.HookSecret); err != nil {
		l.fail("HOOK_SECRET (%s): %s", sourceOf(c, "HOOK_SECRET"), err)
	}
	if c.ConnectURL != "" {
		if err := hooks.CheckURL(string(c.ConnectURL)); err != nil {
			l.fail("CONNECT_URL (%s): %s", sourceOf(c, "CONNECT_URL"), err)
		}
		if c.ConnectTimeout > c.SocketIOConnectTimeout {
			l.wrong(c, "CONNECT_TIMEOUT", c.ConnectTimeout,
				"at most SOCKETIO_CONNECT_TIMEOUT, "+duration(c.SocketIOConnectTimeout))
		}
	}
	if err := hooks.CheckWebhookURLs(texts(c.WebhookURLs)); err != nil {
		l.fail("WEBHOOK_URLS (%s): %s", sourceOf(c, "WEBHOOK_URLS"), err)
	}
	if _, err := hooks.ParseWebhookEvents(c.WebhookEvents); err != nil {
		l.fail("WEBHOOK_EVENTS (%s): %s", sourceOf(c, "WEBHOOK_EVENTS"), err)
	}
	signed := ""
	switch {
	case len(c.EventsURL) > 0:
		signed = "EVENTS_URL"
	case c.ConnectURL != "":
		signed = "CONNECT_URL"
	case len(c.WebhookURLs) > 0:
		signed = "WEBHOOK_URLS"
	}
	if signed != "" && len(c.HookSecret) == 0 && c.HookSecretFile == "" {
		l.fail("HOOK_SECRET: missing, expected a secret with %s, such as the output of: "+
			"openssl rand -base64 32", signed)
	}
}

func (l *loader) checkClientFiles(c *Config) {
	if c.Command != "serve" && c.Command != "config" {
		return // the files are on the machine of the server
	}
	if _, err := clientfiles.Open(c.SocketIOClient); err != nil {
		l.fail("SOCKETIO_CLIENT (%s): %s", sourceOf(c, "SOCKETIO_CLIENT"), err)
	}
}

// checkReceiveRate refuses messages for which a client would wait longer than the server keeps it.
func (l *loader) checkReceiveRate(c *Config) {
	const seconds = 8
	if rate := c.SocketIOReceiveRate; rate > 0 && c.SocketIOMaxPayload > seconds*rate {
		l.wrong(c, "SOCKETIO_RECEIVE_RATE", rate.String(),
			"0, or at least an eighth of SOCKETIO_MAX_PAYLOAD, "+c.SocketIOMaxPayload.String())
	}
}

func (l *loader) checkTLS(c *Config) {
	switch {
	case c.TLSCertFile == "" && c.TLSKeyFile == "":
	case c.TLSKeyFile == "":
		l.wrong(c, "TLS_KEY_FILE", "", "the key of TLS_CERT_FILE, or neither")
	case c.TLSCertFile == "":
		l.wrong(c, "TLS_CERT_FILE", "", "the certificate of TLS_KEY_FILE, or neither")
	default:
		pair, err := keypair.Read(c.TLSCertFile, c.TLSKeyFile)
		if err != nil {
			l.fail("TLS_CERT_FILE and TLS_KEY_FILE: %s, allowed: PEM files of a certificate "+
				"and its key", err)
			return
		}
		c.certificate = pair.Certificate
	}
}

// path matches paths that need no escaping and have no empty segment, so that routers, proxies and
// clients agree on them.
var path = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)
