package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/roomcast/roomcast/auth"
)

// secretSetting is a setting whose value can come from a file: that of its _FILE setting, or the one
// in SECRETS_DIR that has its name.
type secretSetting struct {
	env   string
	file  *string // the value of the _FILE setting
	isSet bool
	set   func(text string) // "" for no value
}

// secretSettings returns them, in the order of the reference.
func (c *Config) secretSettings() []secretSetting {
	one := func(env string, file *string, value *auth.Secret) secretSetting {
		return secretSetting{env, file, len(*value) > 0, func(text string) {
			*value = nil
			if text != "" {
				*value = auth.Secret(text)
			}
		}}
	}
	several := func(env string, file *string, value *[]auth.Secret) secretSetting {
		return secretSetting{env, file, len(*value) > 0, func(text string) { *value = secrets(text) }}
	}
	return []secretSetting{
		one("ADMIN_KEY", &c.AdminKeyFile, &c.AdminKey),
		one("ADMIN_UI_PASSWORD_HASH", &c.AdminUIPasswordHashFile, &c.AdminUIPasswordHash),
		one("JWT_SECRET", &c.JWTSecretFile, &c.JWTSecret),
		several("API_KEYS", &c.APIKeysFile, &c.APIKeys),
		{"REDIS_URL", &c.RedisURLFile, c.RedisURL != "", func(text string) { c.RedisURL = URL(text) }},
		several("HOOK_SECRET", &c.HookSecretFile, &c.HookSecret),
	}
}

// secrets returns the secrets of a file with several.
func secrets(text string) (list []auth.Secret) {
	for _, secret := range items(text, ",\r\n") {
		list = append(list, auth.Secret(secret))
	}
	return list
}

// secretsDir is the source of a _FILE setting whose file is in SECRETS_DIR.
const secretsDir = "SECRETS_DIR"

// findSecretFiles sets the _FILE settings whose files are in SECRETS_DIR. Kubernetes and Compose
// mount secrets as such a directory. One that cannot be read, or has no secret, is a mistake: it is
// probably not mounted. Then nothing else is missing.
func (l *loader) findSecretFiles(c *Config) {
	if c.SecretsDir == "" {
		return
	}
	settings, found := map[string]secretSetting{}, false
	for _, s := range c.secretSettings() {
		settings[s.env] = s
	}
	entries, err := os.ReadDir(c.SecretsDir)
	c.strayFiles = nil
	for _, entry := range entries { // Kubernetes has links to files, and hidden directories
		s, isSecret := settings[entry.Name()]
		switch {
		case isSecret:
			found = true
			l.useSecretFile(c, s)
		case !strings.HasPrefix(entry.Name(), ".") && !entry.IsDir():
			c.strayFiles = append(c.strayFiles, entry.Name())
		}
	}
	switch {
	case found:
		return
	case err != nil:
		l.failSecret(c, "SECRETS_DIR (%s): %s", sourceOf(c, secretsDir), err)
	default:
		l.failSecret(c, "SECRETS_DIR (%s): %s has no secret, expected files with the names of settings, "+
			"such as JWT_SECRET and API_KEYS", sourceOf(c, secretsDir), c.SecretsDir)
	}
	l.secretsAway = true
	for _, s := range settings {
		if !s.isSet && *s.file == "" {
			*s.file = filepath.Join(c.SecretsDir, s.env)
		}
	}
}

// failSecret adds a mistake in a secret, unless the command needs none: the health check of a server
// that goes on with its former secrets must not fail.
func (l *loader) failSecret(c *Config, format string, args ...any) {
	if c.readsSecrets() {
		l.fail(format, args...)
	}
}

// readsSecrets reports whether the command uses secrets and keys.
func (c *Config) readsSecrets() bool { return c.Command != "healthcheck" }

// useSecretFile sets one _FILE setting to the file in SECRETS_DIR, unless its own source has a higher
// rank.
func (l *loader) useSecretFile(c *Config, s secretSetting) {
	env, file := s.env+"_FILE", filepath.Join(c.SecretsDir, s.env)
	if *s.file != "" && c.sources[env] != secretsDir {
		if c.rank(env) == c.rank(secretsDir) {
			l.fail("%s and %s in SECRETS_DIR: both set (%s), allowed: one of them", env, file,
				c.sources[env])
		}
		if c.rank(env) >= c.rank(secretsDir) {
			return
		}
	}
	*s.file, c.sources[env] = file, secretsDir
}

// readSecretFiles reads the secrets whose files are named. When the secret itself is set too, the
// source of higher rank wins; two sources of the same rank are a mistake.
func (l *loader) readSecretFiles(c *Config) {
	l.findSecretFiles(c)
	if l.secretsAway || !c.readsSecrets() {
		return
	}
	for _, s := range c.secretSettings() {
		if text, ok := l.secretFile(c, s); ok {
			s.set(text)
		}
	}
	splitSecret(c)
}

func (l *loader) secretFile(c *Config, s secretSetting) (text string, ok bool) {
	env, file := s.env, s.env+"_FILE"
	if *s.file == "" || l.readOnce[file] {
		return "", false
	}
	if s.isSet && c.rank(env) == c.rank(file) {
		if c.sources[file] == secretsDir {
			file = *s.file + " in SECRETS_DIR"
		}
		l.fail("%s and %s: both set (%s), allowed: one of them", env, file, c.sources[env])
		return "", false
	}
	if s.isSet && c.rank(env) > c.rank(file) {
		return "", false
	}
	data, err := l.readAll(*s.file)
	if err == nil {
		if err = checkText(data); err != nil {
			err = fmt.Errorf("%s %w", *s.file, err)
		}
	}
	if err != nil {
		l.fail("%s (%s): %s", file, c.sources[file], err)
		return "", false
	}
	text = strings.TrimRight(string(data), "\r\n")
	if strings.TrimSpace(text) == "" {
		l.fail("%s (%s): %s is empty", file, c.sources[file], *s.file)
		return "", false
	}
	c.sources[env] = file
	return text, true
}

// rank returns the rank of the source of a setting: flag, environment, file, default. A file in
// SECRETS_DIR has that of SECRETS_DIR.
func (c *Config) rank(env string) int {
	switch source := c.sources[env]; source {
	case "flag":
		return 3
	case "environment":
		return 2
	case "":
		return 0
	case secretsDir:
		return c.rank(secretsDir)
	default:
		return 1
	}
}

// splitSecret separates the secrets of JWT_SECRET if it has several, one a line. Unlike keys they may
// have commas and spaces. A single one stays as it is, with the line end that a variable can have.
func splitSecret(c *Config) {
	isEnd := func(r rune) bool { return r == '\r' || r == '\n' }
	text := string(c.JWTSecret)
	if !strings.ContainsFunc(strings.TrimRightFunc(text, isEnd), isEnd) {
		return
	}
	for i, line := range strings.FieldsFunc(text, isEnd) {
		if i == 0 {
			c.JWTSecret = auth.Secret(line)
		} else {
			c.JWTFurther = append(c.JWTFurther, auth.Secret(line))
		}
	}
}

func (c Config) secretsWarnings() (w []string) {
	for i, name := range c.strayFiles {
		if i == 3 {
			return append(w, fmt.Sprintf("SECRETS_DIR has %d more of them", len(c.strayFiles)-i))
		}
		w = append(w, fmt.Sprintf("SECRETS_DIR has the file %q, and no secret has this name", name))
	}
	return w
}
