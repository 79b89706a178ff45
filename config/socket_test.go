package config

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"
)

// A unix socket in HOST or ADMIN_ADDR has an absolute path, and permissions of its own.
func TestSockets(t *testing.T) {
	t.Parallel()
	c := load(t, env{"HOST": "unix:///run//roomcast/./a.sock", "ADMIN_ADDR": "unix:/run/b.sock",
		"AUTH_MODE": "ticket", "SOCKET_MODE": "600"})
	if c.Addr() != "unix:/run/roomcast/a.sock" || c.Socket() != "/run/roomcast/a.sock" ||
		c.AdminAddr != "unix:/run/b.sock" || c.FileMode() != os.FileMode(0o600) || c.Loopback() ||
		!c.Pprof() {
		t.Errorf("%s, %s, %s, %v, loopback %t, pprof %t", c.Addr(), c.Socket(), c.AdminAddr,
			c.FileMode(), c.Loopback(), c.Pprof())
	}
	if c := load(t, nil); c.Socket() != "" || c.FileMode() != os.FileMode(0o660) {
		t.Errorf("without a socket: %q, %v", c.Socket(), c.FileMode())
	}
}

func TestBadSockets(t *testing.T) {
	t.Parallel()
	long := "unix:/" + strings.Repeat("a", maxSocketPath)
	const form = "unix: and the absolute path of a socket, such as unix:/run/roomcast/roomcast.sock"
	for want, e := range map[string]env{
		`HOST (environment): got "unix:roomcast.sock", allowed: ` + form: {"HOST": "unix:roomcast.sock"},
		`HOST (environment): got "unix:", allowed: ` + form:              {"HOST": "unix:"},
		`HOST (environment): got "unix:@abstract", allowed: ` + form:     {"HOST": "unix:@abstract"},
		`HOST (environment): got "unix:/run/", allowed: ` + form:         {"HOST": "unix:/run/"},
		`HOST (environment): got "` + long + `", allowed: unix: and a path of at most 107 bytes`: {
			"HOST": long},
		`ADMIN_ADDR (environment): got "unix:b", allowed: ` + form: {"ADMIN_ADDR": "unix:b"},
		`ADMIN_ADDR (environment): got "unix:/run/a", allowed: a socket other than that of HOST`: {
			"HOST": "unix:/run/a", "ADMIN_ADDR": "unix:/run/a"},
		`SOCKET_MODE (environment): got "rw", allowed: permissions in octal, those of the owner ` +
			`included, such as 0660 or 0600`: {"SOCKET_MODE": "rw"},
		`SOCKET_MODE (environment): got "0060", allowed: permissions in octal, those of the owner ` +
			`included, such as 0660 or 0600`: {"SOCKET_MODE": "0060"},
		`SOCKET_MODE (environment): got "4660", allowed: permissions in octal, those of the owner ` +
			`included, such as 0660 or 0600`: {"SOCKET_MODE": "4660"},
	} {
		e["AUTH_MODE"] = "ticket"
		if got := problems(t, e); !slices.Equal(got, []string{want}) {
			t.Errorf("%v\n got %q\nwant %q", e, got, want)
		}
	}
}

// Everybody whom the proxy before a socket lets in would be every user, so open mode on a socket must
// be chosen.
func TestSocketInOpenMode(t *testing.T) {
	t.Parallel()
	got := problems(t, env{"HOST": "unix:/run/a"})
	if len(got) != 1 || !strings.HasPrefix(got[0], `HOST (environment): got "unix:/run/a", allowed: 127.0.0.1`) {
		t.Errorf("got %q", got)
	}
	c := load(t, env{"HOST": "unix:/run/a", "AUTH_MODE": "open"})
	if w := c.Warnings(); !slices.Contains(w,
		"open mode: every userId is accepted, from every machine that reaches unix:/run/a") {
		t.Errorf("warnings %q", w)
	}
}

// The sockets of systemd have the addresses, and decide whether open mode is allowed.
func TestOnListeners(t *testing.T) {
	t.Parallel()
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	all := &net.TCPAddr{IP: net.IPv6zero, Port: 80}
	local := &net.UnixAddr{Name: "/run/a", Net: "unix"}
	for _, tt := range []struct {
		env         env
		main, admin net.Addr
		want        string // host:port and the address of the second listener, or the start of the error
	}{
		{nil, nil, nil, "127.0.0.1:3000 127.0.0.1:9090"},
		{nil, loopback, nil, "127.0.0.1:80 127.0.0.1:9090"},
		{nil, loopback, local, "127.0.0.1:80 unix:/run/a"},
		{nil, nil, loopback, "127.0.0.1:3000 127.0.0.1:80"},
		{nil, all, nil, "systemd listens on [::]:80, allowed: a loopback address while"},
		{nil, local, nil, "systemd listens on unix:/run/a, allowed: a loopback address while"},
		{env{"AUTH_MODE": "open"}, all, nil, "[::]:80 127.0.0.1:9090"},
		{env{"AUTH_MODE": "ticket", "HOST": "10.0.0.1"}, local, all, "unix:/run/a [::]:80"},
	} {
		c := load(t, tt.env)
		got := ""
		if changed, err := c.OnListeners(tt.main, tt.admin); err != nil {
			got = err.Error()
		} else {
			got = changed.Addr() + " " + changed.AdminAddr
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v on %v and %v: %s, want %s", tt.env, tt.main, tt.admin, got, tt.want)
		}
		if c.sources["HOST"] == inheritedSource {
			t.Error("the former settings have changed")
		}
	}
}
