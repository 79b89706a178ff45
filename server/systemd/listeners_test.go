//go:build linux

package systemd

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// free is a range of descriptors that nothing else in the test process uses.
const free = 400

// pass puts a socket where systemd would put it.
func pass(t *testing.T, at int, socket interface{ File() (*os.File, error) }) {
	t.Helper()
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.Dup3(int(file.Fd()), at, 0); err != nil {
		t.Fatal(err)
	}
}

// The sockets of systemd accept connections under their names, and their descriptors do not leak.
func TestListeners(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.sock")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	pass(t, free, tcp.(*net.TCPListener))
	pass(t, free+1, local.(*net.UnixListener))
	all, err := listeners(environment("LISTEN_PID", strconv.Itoa(os.Getpid()), "LISTEN_FDS", "2",
		"LISTEN_FDNAMES", "http:admin"), free, []string{"http", "admin"})
	if err != nil || len(all) != 2 {
		t.Fatalf("%v %v", all, err)
	}
	for name, address := range map[string]net.Addr{"http": tcp.Addr(), "admin": local.Addr()} {
		if got := all[name].Addr(); got.String() != address.String() {
			t.Errorf("%s listens on %s, want %s", name, got, address)
		}
		client, err := net.Dial(address.Network(), address.String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := all[name].Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(name))
		_ = conn.Close()
		if text, err := io.ReadAll(client); string(text) != name || err != nil {
			t.Errorf("%s: read %q, %v", name, text, err)
		}
		_ = client.Close()
		_ = all[name].Close()
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the socket of systemd was removed: %v", err)
	}
	for fd := free; fd < free+2; fd++ {
		var info syscall.Stat_t
		if err := syscall.Fstat(fd, &info); err != syscall.EBADF {
			t.Errorf("descriptor %d is still open: %v", fd, err)
		}
	}
	_ = tcp.Close()
	_ = local.Close()
}

func TestNamesOfListeners(t *testing.T) {
	t.Parallel()
	names := []string{"http", "admin"}
	for _, tt := range []struct {
		n     int
		given string
		want  string // the names, or the start of the error
	}{
		{0, "", "[]"},
		{1, "", "[http]"},
		{1, "roomcast.socket", "[http]"}, // what systemd calls a socket without a name
		{1, "http", "[http]"},
		{1, "admin", "[admin]"},
		{2, "admin:http", "[admin http]"},
		{2, "http", `LISTEN_FDNAMES: got "http", expected 2 names, each one of http, admin`},
		{2, "", `LISTEN_FDNAMES: got "", expected 2 names`},
		{2, "http:http", `LISTEN_FDNAMES: got "http" as name 2, expected each of http, admin once`},
		{2, "http:metrics", `LISTEN_FDNAMES: got "metrics" as name 2`},
		{2, "http:admin:x", `LISTEN_FDNAMES: got "http:admin:x", expected 2 names`},
	} {
		chosen, err := choose(tt.n, tt.given, names)
		got := fmt.Sprint(chosen)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want && !(err != nil && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%d sockets %q: %s, want %s", tt.n, tt.given, got, tt.want)
		}
	}
}

// Sockets of another process are left alone, and what is no listening socket is an error.
func TestListenersOfTheEnvironment(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		env []string
		err string
	}{
		{nil, ""},
		{[]string{"LISTEN_FDS", "1"}, ""},
		{[]string{"LISTEN_PID", "1", "LISTEN_FDS", "1"}, ""},
		{[]string{"LISTEN_PID", own}, ""},
		{[]string{"LISTEN_PID", own, "LISTEN_FDS", "0"}, ""},
		{[]string{"LISTEN_PID", own, "LISTEN_FDS", "x"}, `LISTEN_FDS: got "x", expected a number from 0 to 16`},
		{[]string{"LISTEN_PID", own, "LISTEN_FDS", "-1"}, `LISTEN_FDS: got "-1"`},
		{[]string{"LISTEN_PID", own, "LISTEN_FDS", "17"}, `LISTEN_FDS: got "17"`},
		{[]string{"LISTEN_PID", own, "LISTEN_FDS", "1"}, `the socket "http" of systemd: `},
	} {
		all, err := listeners(environment(tt.env...), free+10, []string{"http"})
		if len(all) != 0 || tt.err == "" && err != nil || tt.err != "" &&
			!strings.HasPrefix(fmt.Sprint(err), tt.err) {
			t.Errorf("%q: %v, %v, want %q", tt.env, all, err, tt.err)
		}
	}
	datagrams, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	pass(t, free+20, datagrams.(*net.UDPConn))
	_, err = listeners(environment("LISTEN_PID", own, "LISTEN_FDS", "1"), free+20, []string{"http"})
	if err == nil || !strings.HasPrefix(err.Error(), `the socket "http" of systemd: `) {
		t.Errorf("a socket for datagrams: %v", err)
	}
}
