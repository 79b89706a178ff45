package config

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret32 = "0123456789abcdef0123456789abcdef"

type env map[string]string

func (e env) lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

func load(t *testing.T, e env, args ...string) Config {
	t.Helper()
	c, err := Load(args, e.lookup, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems returns the mistakes in the settings, nil when there are none.
func problems(t *testing.T, e env, args ...string) []string {
	t.Helper()
	c, err := Load(args, e.lookup, io.Discard)
	if err == nil {
		return nil
	}
	var invalid *InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
		t.Fatalf("error %T: %v", err, err)
	}
	if c.Port != 0 || c.Host != "" {
		t.Error("a Config was returned with the error")
	}
	for _, p := range invalid.Problems {
		if !strings.Contains(err.Error(), p) || strings.Contains(p, "\n") {
			t.Errorf("problem %q in error %q", p, err)
		}
	}
	return invalid.Problems
}

// file creates a file for the test and returns its name.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
