//go:build unix

package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands reach a server on a unix socket by its settings or by --url, the backup through its
// second listener included.
func TestCommandsOnAUnixSocket(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	socket := filepath.Join(directory, "main.sock")
	settings := map[string]string{
		"HOST": "unix:" + socket, "AUTH_MODE": "open", "DATA_DIR": filepath.Join(directory, "data"),
		"ADMIN_ADDR": "unix:" + filepath.Join(directory, "admin.sock"),
	}
	p := newProgram(t, settings)
	p.args, p.terminal = nil, true
	p.startOn(regexp.MustCompile(`"listening","address":"` + regexp.QuoteMeta(socket) + `"`))
	key := regexp.MustCompile(`^\n  API key \(kept in \S+ in DATA_DIR\): ([A-Z2-7]{52})\n\n$`).
		FindStringSubmatch(p.notes.String())
	if key == nil {
		t.Fatalf("the note is %q", p.notes)
	}
	command := func(settings map[string]string, args ...string) string {
		t.Helper()
		out := &output{}
		e := environment{lookup: env(settings), stdout: out, stderr: io.Discard}
		if err := run(t.Context(), args, e); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		return out.String()
	}
	if got := command(settings, "healthcheck"); !strings.HasPrefix(got, "unix:"+socket+"/readyz answered in ") {
		t.Errorf("healthcheck: %q", got)
	}
	command(nil, "healthcheck", "--url", "unix:"+socket)
	send := command(settings, "send", "--key", key[1], "--channel", "general", "--json", "hello", `"x"`)
	var receipt struct{ ID string }
	if err := json.Unmarshal([]byte(send), &receipt); err != nil || receipt.ID == "" {
		t.Errorf("send: %q", send)
	}
	for _, transport := range []string{"--sse", "--socketio"} {
		got := command(settings, "tail", "--user", "u1", "--channel", "general", "--since", "0",
			transport, "--count", "1")
		if !strings.Contains(got, "hello") {
			t.Errorf("tail %s: %q", transport, got)
		}
	}
	verified := command(nil, "verify", "--key", key[1], "--idle", "0s", "unix:"+socket)
	if !strings.Contains(verified, "\nunix:"+socket+": no faults\n") {
		t.Errorf("verify:\n%s", verified)
	}
	command(settings, "data", "backup", filepath.Join(directory, "backup"))
	p.end()
	for _, name := range []string{"main.sock", "admin.sock"} {
		if _, err := os.Lstat(filepath.Join(directory, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
}
