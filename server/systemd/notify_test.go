//go:build linux

package systemd

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// manager is the side of systemd: a socket that gets the messages.
type manager struct {
	t    testing.TB
	conn *net.UnixConn
	path string
}

func newManager(t testing.TB) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn, path}
}

// next returns the next message. The messages arrive before the call that sends them returns, so
// none is late.
func (m *manager) next() string {
	m.t.Helper()
	buf := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := m.conn.Read(buf)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(buf[:n])
}

// none checks that no message waits.
func (m *manager) none() {
	m.t.Helper()
	buf := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := m.conn.Read(buf); err == nil {
		m.t.Errorf("got %q", buf[:n])
	}
}

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// The messages of a life with one reload, byte for byte.
func TestNotifier(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	n, err := NewNotifier(environment("NOTIFY_SOCKET", m.path))
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := m.next(); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
	check(n.Status("waits for Redis"), "STATUS=waits for Redis")
	if err := n.Reloading(); err != nil { // it would be ready at the end
		t.Error(err)
	}
	m.none()
	check(n.Ready("serves on 127.0.0.1:3000"), "READY=1\nSTATUS=serves on 127.0.0.1:3000")
	check(n.Alive(), "WATCHDOG=1")
	before := monotonic().Microseconds()
	check(n.Reloading(), `RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading the settings again`)
	if after := monotonic().Microseconds(); before <= 0 || after < before {
		t.Errorf("the clock went from %d to %d", before, after)
	}
	check(n.Reloaded("a\nREADY=0\n b"), "READY=1\nSTATUS=a READY=0 b")
	check(n.Stopping(""), "STOPPING=1")
	for _, err := range []error{n.Ready("x"), n.Reloading(), n.Reloaded("x"), n.Stopping("x")} {
		if err != nil {
			t.Error(err)
		}
	}
	m.none()
}

// The time of a reload is the clock that systemd compares it with.
func TestReloadHasTheTimeOfTheSystem(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	n, err := NewNotifier(environment("NOTIFY_SOCKET", m.path))
	if err != nil {
		t.Fatal(err)
	}
	_ = n.Ready("")
	m.next()
	before := monotonic()
	_ = n.Reloading()
	_, text, _ := strings.Cut(m.next(), "MONOTONIC_USEC=")
	text, _, _ = strings.Cut(text, "\n")
	usec, err := strconv.ParseInt(text, 10, 64)
	if at := time.Duration(usec) * time.Microsecond; err != nil ||
		at < before.Truncate(time.Microsecond) || at > monotonic() {
		t.Errorf("%s, expected a time from %v to %v", text, before, monotonic())
	}
}

func TestNotifierOfTheEnvironment(t *testing.T) {
	t.Parallel()
	own, other := strconv.Itoa(os.Getpid()), strconv.Itoa(os.Getpid()+1)
	for _, tt := range []struct {
		env   []string
		every time.Duration
		err   string
	}{
		{nil, 0, ""},
		{[]string{"NOTIFY_SOCKET", ""}, 0, ""},
		{[]string{"NOTIFY_SOCKET", "/run/notify"}, 0, ""},
		{[]string{"NOTIFY_SOCKET", "@abstract", "WATCHDOG_USEC", "30000000"}, 15 * time.Second, ""},
		{[]string{"NOTIFY_SOCKET", "/n", "WATCHDOG_USEC", "2", "WATCHDOG_PID", own}, time.Microsecond, ""},
		{[]string{"NOTIFY_SOCKET", "/n", "WATCHDOG_USEC", "2", "WATCHDOG_PID", other}, 0, ""},
		{[]string{"WATCHDOG_USEC", "30000000"}, 0, ""},
		{[]string{"NOTIFY_SOCKET", "vsock:2:1"}, 0, `NOTIFY_SOCKET: got "vsock:2:1", expected the path`},
		{[]string{"NOTIFY_SOCKET", "/n", "WATCHDOG_USEC", "soon"}, 0, `WATCHDOG_USEC: got "soon"`},
		{[]string{"NOTIFY_SOCKET", "/n", "WATCHDOG_USEC", "-1"}, 0, `WATCHDOG_USEC: got "-1"`},
		{[]string{"NOTIFY_SOCKET", "/n", "WATCHDOG_USEC", "9223372036854775807"}, 0, `WATCHDOG_USEC: got`},
	} {
		n, err := NewNotifier(environment(tt.env...))
		if got := fmt.Sprint(err); tt.err == "" && err != nil || !strings.HasPrefix(got, tt.err) && tt.err != "" {
			t.Errorf("%q: %v, want %q", tt.env, err, tt.err)
		}
		if got := n.Watchdog(); got != tt.every {
			t.Errorf("%q: every %v, want %v", tt.env, got, tt.every)
		}
	}
}

// Without systemd nothing is sent, and nothing fails. Without its socket every message is an error.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	var none *Notifier
	away, err := NewNotifier(environment("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "away")))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Notifier{none, away} {
		for name, err := range map[string]error{"Status": n.Status("x"), "Alive": n.Alive()} {
			if (err != nil) != (n == away) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_ = n.Ready("")
		_ = n.Reloading()
		_ = n.Reloaded("")
		_ = n.Stopping("")
	}
}

// A status is one line of valid text, whatever it contains.
func TestStatusIsOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := oneLine(string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")))
		if len(got) > maxStatus || strings.ContainsAny(got, "\n\r") || strings.ToValidUTF8(got, "") != got {
			t.Fatalf("%q", got)
		}
	})
}

// Every order of calls leaves a state that systemd accepts: READY first, a READY after each
// RELOADING, and nothing except signs of life after STOPPING. A socket queues ten messages.
func TestOrderOfStates(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	rapid.Check(t, func(rt *rapid.T) {
		n, err := NewNotifier(environment("NOTIFY_SOCKET", m.path))
		if err != nil {
			rt.Fatal(err)
		}
		calls := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 8).Draw(rt, "calls")
		for _, call := range calls {
			_ = []func() error{
				func() error { return n.Ready("") }, n.Reloading,
				func() error { return n.Reloaded("") }, func() error { return n.Stopping("") },
			}[call]()
		}
		_ = n.Alive() // the mark of the end
		order := ""
		for text := m.next(); text != "WATCHDOG=1"; text = m.next() {
			order += text[:1] + text[1:3] + " "
		}
		if !regexp.MustCompile(`^(REA (REL REA )*(REL )?)?(STO )?$`).MatchString(order) {
			rt.Fatalf("%v became %s", calls, order)
		}
	})
}
