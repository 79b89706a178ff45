package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzFile: every text of a settings file, and of the file of a secret, is taken or refused with a
// list of problems, each of one line and none with the secret.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `null`, ``, `{"port":4000}`, `{"PORT":"4000","port":1}`, `{"port":1e9}`,
		`{"allowed-origins":["https://a.example","*"]}`, `{"history-max-bytes":"1QiB"}`,
		`{"jwt-secret":"short"}`, `{"api-keys":["a","b:channel:x-*"]}`, `{} {}`, `{"port":{}}`,
		`{"log-level":"\n"}`, `{"drain-timeout":"-1s"}`, `{"drain-timeout":"99999999999h"}`,
		"\xef\xbb\xbf{}", strings.Repeat(`[`, 20_000),
	} {
		f.Add(text, "0123456789abcdef0123456789abcdef")
	}
	dir := f.TempDir()
	settings, secret := filepath.Join(dir, "settings"), filepath.Join(dir, "secret")
	f.Fuzz(func(t *testing.T, text, key string) {
		for name, content := range map[string]string{settings: text, secret: key} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e := env{"JWT_SECRET_FILE": secret}
		c, err := Load([]string{"--config", settings}, e.lookup, io.Discard)
		var invalid *InvalidError
		switch {
		case err == nil:
			if len(c.JWTSecret) < 32 || c.Port < 0 || c.Port > 65535 || c.DrainTimeout < 0 {
				t.Fatalf("%q with %q became %+v", text, key, c)
			}
		case !errors.As(err, &invalid) || len(invalid.Problems) == 0:
			t.Fatalf("error %T: %v", err, err)
		default:
			for _, problem := range invalid.Problems {
				if strings.Contains(problem, "\n") ||
					len(key) >= 16 && strings.Contains(problem, key) && !strings.Contains(text, key) {
					t.Fatalf("problem %q", problem)
				}
			}
		}
	})
}
