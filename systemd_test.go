//go:build unix

package main

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// manager receives the messages of a program, as systemd does.
type manager struct {
	t        *testing.T
	messages chan string
	path     string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	// The socket queues ten messages; a program with a watchdog does not wait for the test.
	m := &manager{t, make(chan string, 10_000), path}
	go func() {
		defer close(m.messages)
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.messages <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		for range m.messages { // until the goroutine has ended
		}
	})
	return m
}

// next returns the next message.
func (m *manager) next() string {
	m.t.Helper()
	select {
	case text := <-m.messages:
		return text
	case <-time.After(patience):
		m.t.Fatal("systemd got no message")
	}
	return ""
}

// expect checks the next message.
func (m *manager) expect(want string) {
	m.t.Helper()
	if got := m.next(); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		m.t.Errorf("systemd got %q, want %s", got, want)
	}
}

// systemd learns each state of a program: ready, both ends of a reload, also of one that fails, and
// the stop, which comes before the connections are closed.
func TestSystemdKnowsTheState(t *testing.T) {
	t.Parallel()
	s := newManager(t)
	r := newReloadable(t, `{}`)
	r.end()
	r.program = newProgram(t, map[string]string{"API_KEYS_FILE": r.keys, "NOTIFY_SOCKET": s.path})
	r.args = append(r.args, "--config", r.file)
	r.start()
	serves := "STATUS=serves on " + regexp.QuoteMeta(strings.TrimPrefix(r.base, "http://"))
	s.expect("READY=1\n" + serves)
	if status, text := r.publish(firstKey); status != 200 {
		t.Errorf("a server that is ready answered %d %s", status, text)
	}
	r.reload("settings reloaded")
	s.expect(`RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading the settings again`)
	s.expect("READY=1\n" + serves)
	write(t, r.file, `{`)
	r.reload("the settings were not reloaded, the former ones stay")
	s.expect(`RELOADING=1\n(?s:.*)`)
	s.expect("READY=1\n" + serves + "; the settings were not reloaded, see the log")
	r.end()
	s.expect("STOPPING=1\nSTATUS=closes the connections")
}

// A node of a cluster is not ready before it has read the log, and says for what it waits.
func TestSystemdWaitsForRedis(t *testing.T) {
	t.Parallel()
	s, redis := newManager(t), redistest.Start(t, redistest.Options{})
	redis.Kill()
	settings := nodeOf(redis)
	settings["NOTIFY_SOCKET"] = s.path
	p := start(t, settings)
	s.expect("STATUS=not ready: the log has not been read yet")
	redis.Restart(t)
	for {
		if got := s.next(); strings.HasPrefix(got, "READY=1\nSTATUS=serves on ") {
			break
		} else if !strings.HasPrefix(got, "STATUS=not ready: ") {
			t.Fatalf("systemd got %q", got)
		}
	}
	p.end()
	s.expect("STOPPING=1\nSTATUS=closes the connections")
}

// A server whose identity provider is away serves other clients, so systemd must not end it.
func TestSystemdDoesNotWaitForKeys(t *testing.T) {
	t.Parallel()
	s := newManager(t)
	p := start(t, map[string]string{"NOTIFY_SOCKET": s.path, "API_KEYS": testKey, "HOST": "127.0.0.1",
		"JWT_JWKS_URL": fmt.Sprintf("http://127.0.0.1:%d/keys", servertest.FreePort(t))})
	s.expect("READY=1\nSTATUS=serves on .*")
	if status, text := p.ready(); status != 503 || !strings.Contains(text, "keys") {
		t.Errorf("%d %s", status, text)
	}
	p.end()
}

// A program with a watchdog sends signs of life until its end, the drain included.
func TestSystemdGetsSignsOfLife(t *testing.T) {
	t.Parallel()
	s := newManager(t)
	p := start(t, map[string]string{"NOTIFY_SOCKET": s.path, "WATCHDOG_USEC": "20000"})
	s.expect(`READY=1\n.*`)
	for range 3 {
		s.expect("WATCHDOG=1")
	}
	p.end()
	stopped := false
	for !stopped {
		stopped = strings.HasPrefix(s.next(), "STOPPING=1\n")
	}
}

// Wrong variables of systemd stop the start with a clear error.
func TestWrongVariableOfSystemd(t *testing.T) {
	t.Parallel()
	e := environment{lookup: env(map[string]string{"NOTIFY_SOCKET": "vsock:2:1"}),
		stdout: &output{}, stderr: &output{}}
	if err := run(t.Context(), []string{"--port", "0"}, e); err == nil ||
		!strings.HasPrefix(err.Error(), "NOTIFY_SOCKET: ") {
		t.Errorf("run: %v", err)
	}
}
