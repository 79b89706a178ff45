//go:build unix

package config

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fifo makes a named pipe and returns its name.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A pipe is read when its writer has written it, also when that begins later, and once: when the
// settings are read again, what it had stays.
func TestPipesAreReadOnce(t *testing.T) {
	t.Parallel()
	secret, settings := fifo(t), fifo(t)
	written := make(chan error, 2)
	for path, text := range map[string]string{secret: secret32 + "\n", settings: `{"max-rooms": 7}`} {
		go func() { written <- os.WriteFile(path, []byte(text), 0o600) }()
	}
	keys := file(t, "keys", "k1")
	e := env{"JWT_SECRET_FILE": secret, "API_KEYS_FILE": keys}
	invocation, err := Parse([]string{"--config", settings}, e.lookup, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(keys, []byte("k2"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := invocation.Again()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []Config{invocation.Config, again} {
		if string(c.JWTSecret) != secret32 || c.MaxRooms != 7 || string(c.APIKeys[0]) != []string{"k1", "k2"}[i] {
			t.Errorf("read %d: %d bytes, %d rooms", i, len(c.JWTSecret), c.MaxRooms)
		}
	}
}

// A pipe without a writer, or with a silent one, is an error and no wait without end.
func TestPipeWithoutWriter(t *testing.T) {
	t.Parallel()
	path := fifo(t)
	if _, err := readPipe(path, time.Millisecond); err == nil || !strings.Contains(err.Error(), "no program has written") {
		t.Error(err)
	}
	silent, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := readPipe(path, time.Millisecond); err == nil || !strings.Contains(err.Error(), "no program has written") {
		t.Error(err)
	}
}
