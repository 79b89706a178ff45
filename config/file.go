package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/roomcast/roomcast/auth"
)

// maxFile is the maximum size of a settings file and of a secret file.
const maxFile = 1 << 20

// readFile reads the file named by --config, once.
func (l *loader) readFile(ctx *kong.Context) {
	if l.fileRead {
		return
	}
	l.fileRead = true
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" {
			l.fileName, _ = ctx.FlagValue(p.Flag).(string)
		}
	}
	if l.fileName == "" {
		return
	}
	text, err := readAll(l.fileName)
	if err != nil {
		l.fail("--config: %s", err)
		return
	}
	values := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&values)
	if _, more := decoder.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("data after the object")
	}
	if err != nil {
		l.fail("--config: %s is not one JSON object: %s", l.fileName, err)
		return
	}
	l.fileValues = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		l.takeFromFile(key, values[key])
	}
}

// takeFromFile stores one setting of the file.
func (l *loader) takeFromFile(key string, value any) {
	i := slices.IndexFunc(fields(), func(s Setting) bool { return s.Name == key || s.Env == key })
	if i < 0 {
		l.fail("%s in %s: unknown setting", key, l.fileName)
		return
	}
	name := fields()[i].Name
	if _, twice := l.fileValues[name]; twice {
		l.fail("duplicate %s in %s, allowed: once, as %s or %s", key, l.fileName, name,
			fields()[i].Env)
		return
	}
	text, ok := plain(value)
	if !ok {
		l.fail("%s in %s: allowed: a string, a number, true, false or "+
			"an array of strings without commas", key, l.fileName)
		return
	}
	l.fileValues[name] = text
}

// plain converts a JSON value to the text that a variable would hold.
func plain(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	case []any:
		var list []string
		for _, item := range v {
			s, ok := plain(item)
			if _, nested := item.([]any); !ok || nested || strings.Contains(s, ",") {
				return "", false
			}
			list = append(list, s)
		}
		return strings.Join(list, ","), true
	}
	return "", false
}

// readSecretFiles reads the secrets whose files are named. When the secret itself is set too, the
// source of higher rank wins; two sources of the same rank are a mistake.
func (l *loader) readSecretFiles(c *Config) {
	if text, ok := l.secretFile(c, "JWT_SECRET", c.JWTSecretFile, len(c.JWTSecret) > 0); ok {
		c.JWTSecret = auth.Secret(text)
	}
	splitSecret(c)
	if text, ok := l.secretFile(c, "ADMIN_KEY", c.AdminKeyFile, len(c.AdminKey) > 0); ok {
		c.AdminKey = auth.Secret(text)
	}
	if text, ok := l.secretFile(c, "ADMIN_UI_PASSWORD_HASH", c.AdminUIPasswordHashFile,
		len(c.AdminUIPasswordHash) > 0); ok {
		c.AdminUIPasswordHash = auth.Secret(text)
	}
	if text, ok := l.secretFile(c, "API_KEYS", c.APIKeysFile, len(c.APIKeys) > 0); ok {
		c.APIKeys = secrets(text)
	}
	if text, ok := l.secretFile(c, "HOOK_SECRET", c.HookSecretFile, len(c.HookSecret) > 0); ok {
		c.HookSecret = secrets(text)
	}
}

// secrets returns the secrets of a file with several.
func secrets(text string) (list []auth.Secret) {
	for _, secret := range items(text, ",\r\n") {
		list = append(list, auth.Secret(secret))
	}
	return list
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

func (l *loader) secretFile(c *Config, env, path string, isSet bool) (text string, ok bool) {
	if path == "" {
		return "", false
	}
	ofValue, ofFile := c.sources[env], c.sources[env+"_FILE"]
	if isSet && rank(ofValue) == rank(ofFile) {
		l.fail("%s and %s_FILE: both set (%s), allowed: one of them", env, env, ofFile)
		return "", false
	}
	if isSet && rank(ofValue) > rank(ofFile) {
		return "", false
	}
	data, err := readAll(path)
	if err != nil {
		l.fail("%s_FILE (%s): %s", env, ofFile, err)
		return "", false
	}
	text = strings.TrimRight(string(data), "\r\n")
	if strings.TrimSpace(text) == "" {
		l.fail("%s_FILE (%s): %s is empty", env, ofFile, path)
		return "", false
	}
	c.sources[env] = env + "_FILE"
	return text, true
}

// rank returns the rank of a source: flag, environment, file, default.
func rank(source string) int {
	switch source {
	case "flag":
		return 3
	case "environment":
		return 2
	case "":
		return 0
	default:
		return 1
	}
}

// readAll reads a file of at most maxFile bytes. Its errors name the file.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return data, err
}
