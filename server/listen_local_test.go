//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/sockets"
)

// crashed leaves the socket of a process that has not closed it.
func crashed(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

// The socket has the permissions of the setting whatever the umask is, and goes with the listener.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.sock")
	for _, mode := range []os.FileMode{0o600, 0o660, 0o666} {
		l, err := listen(t.Context(), "unix:"+path, mode)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode|os.ModeSocket {
			t.Errorf("%v: %v %v", mode, info, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	}
}

// Only the socket of a process that is gone is replaced.
func TestUnixSocketInTheWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.sock")
	try := func(want string) {
		t.Helper()
		l, err := listen(t.Context(), "unix:"+path, 0o660)
		if err == nil {
			_ = l.Close()
		}
		if got := fmt.Sprint(err); got != want && !(want != "<nil>" && strings.HasPrefix(got, want)) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	crashed(t, path)
	try("<nil>")

	first, err := listen(t.Context(), "unix:"+path, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	try("cannot listen on unix:" + path + ": another process listens there: address already in use")
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first listener lost its socket: %v", err)
	} else {
		_ = conn.Close()
	}
	if err := os.Remove(path); err != nil { // by an operator
		t.Fatal(err)
	}
	second, err := listen(t.Context(), "unix:"+path, 0o660)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the first listener has removed the socket of the second one: %v", err)
	}
	_ = second.Close()

	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	try("cannot listen on unix:" + path + ": the file exists, and is no socket")
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file has %q", text)
	}
	_ = os.Remove(path)
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	try("cannot listen on unix:" + path + ": the file exists, and is no socket")
	_ = os.Remove(path)
	packets, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	try("cannot listen on unix:" + path + ": cannot find out whether a process listens there: ")
	path = filepath.Join(path, "a.sock")
	try("cannot listen on unix:" + path + ": open ")
}

// Of many servers that find the same stale socket, one listens on it at a time.
func TestUnixSocketRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.sock")
	for range 20 {
		crashed(t, path)
		var all sync.WaitGroup
		var mu sync.Mutex
		var won []net.Listener
		for range 8 {
			all.Go(func() {
				l, err := listen(t.Context(), "unix:"+path, 0o660)
				if err != nil {
					if !errors.Is(err, syscall.EADDRINUSE) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				won = append(won, l)
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Errorf("%d listen", len(won))
		}
		for _, l := range won {
			_ = l.Close()
		}
	}
}

// A directory that another process locks for ever is an error, and not a hang.
func TestUnixSocketInALockedDirectory(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	unlock, err := lockDirectory(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := listen(ctx, "unix:"+directory+"/a.sock", 0o660); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("listen: %v", err)
	}
}

// unixServer serves on a unix socket, and returns the path and a client.
func unixServer(t *testing.T, change func(*Options)) (path string, client *http.Client) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.sock")
	o := newParts(t)
	o.DrainTimeout = 0
	change(&o)
	s := New(o)
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, "unix:"+path, func(a net.Addr) { ready <- a }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if got := (<-ready).String(); got != path {
		t.Errorf("it listens on %s", got)
	}
	return path, unixClient(t, path)
}

func unixClient(t *testing.T, path string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: servertest.Patience}
}

// What connects to a unix socket has the address 127.0.0.1. Its X-Forwarded-For counts only if that
// is a trusted proxy, whatever the client does to its own address.
func TestAddressOfAUnixSocket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		trusted []netip.Prefix
		want    string
	}{
		{nil, "127.0.0.1"},
		{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "127.0.0.1"},
		{[]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "203.0.113.7"},
	} {
		var seen atomic.Value
		path, client := unixServer(t, func(o *Options) {
			o.TrustedProxies = tt.trusted
			o.AllowOrigin = func(_ string, r *http.Request) bool {
				seen.Store(StreamAddress(r).String())
				return true
			}
		})
		bound := &net.Dialer{LocalAddr: &net.UnixAddr{Name: path + "@192.0.2.1:80", Net: "unix"}}
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return bound.DialContext(ctx, "unix", path)
		}
		r, err := http.NewRequest("GET", "http://x/sse/position", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", "@, 203.0.113.7")
		r.Header.Set("Origin", "http://other.example")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := seen.Load(); got != tt.want {
			t.Errorf("trusted %v: the client is %v, want %s", tt.trusted, got, tt.want)
		}
	}
}

// Streams and websockets work over a unix socket, with the writers that TCP has.
func TestTransportsOnAUnixSocket(t *testing.T) {
	t.Parallel()
	var hub Options
	path, client := unixServer(t, func(o *Options) {
		o.APIKeys = []string{servertest.Key}
		hub = *o
	})
	stream, err := client.Get("http://localhost/sse?userId=u1")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	socket, res, err := dialer.Dial("ws://localhost/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	defer socket.Close()
	if err := socket.WriteMessage(websocket.TextMessage, []byte(`40{"userId":"u2"}`)); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "both are connected", func() bool { return hub.Hub.Stats().ActiveUsers == 2 })
	r, err := http.NewRequest("POST", "http://localhost/v1/notifications",
		strings.NewReader(`{"target":{"all":true},"type":"hello","data":"over a socket"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-API-Key", servertest.Key)
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != 200 {
		t.Fatalf("the publish was answered %s", answer.Status)
	}
	_ = socket.SetReadDeadline(time.Now().Add(servertest.Patience))
	for text := ""; !strings.HasPrefix(text, `42["hello",`); {
		_, packet, err := socket.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		text = string(packet)
	}
	buf, got := make([]byte, 4096), ""
	for !strings.Contains(got, "event: hello") {
		n, err := stream.Body.Read(buf)
		if got += string(buf[:n]); err != nil {
			t.Fatalf("the stream ended after %q: %v", got, err)
		}
	}
}

// The second listener may be a unix socket: it needs no key, and its permissions decide.
func TestAdminOnAUnixSocket(t *testing.T) {
	t.Parallel()
	admin := filepath.Join(t.TempDir(), "admin.sock")
	crashed(t, admin)
	unixServer(t, func(o *Options) {
		o.Admin = AdminOptions{Addr: "unix:" + admin, Pprof: true}
		o.SocketMode = 0o600
	})
	if info, err := os.Stat(admin); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	client := unixClient(t, admin)
	for host, want := range map[string]int{"localhost": 200, "evil.example": 403} {
		res, err := client.Get("http://" + host + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		if _ = res.Body.Close(); res.StatusCode != want ||
			want == 200 && !strings.Contains(string(text), "roomcast_connections") {
			t.Errorf("%s: %s %.100s", host, res.Status, text)
		}
	}
}

// A second server cannot take the socket of the first one's operators.
func TestAdminSocketTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := newParts(t)
	o.Admin.Addr = "unix:" + path
	err = New(o).Serve(t.Context(), "127.0.0.1:0", nil)
	if want := "cannot listen on unix:" + path + " (ADMIN_ADDR): another process listens there"; err == nil ||
		!strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A connection over a unix socket needs no goroutine that reads or writes, counted or not.
func TestDescriptorOfAUnixSocket(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), "unix:"+filepath.Join(t.TempDir(), "a.sock"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, files := range []int{0, 1000} {
		client, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		conn, err := newCounted(l, limit.NewDescriptors(files, 0), false, nil, zap.NewNop()).Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if sockets.Descriptor(conn) < 0 || conn.RemoteAddr().String() != "127.0.0.1:0" {
			t.Errorf("limit %d: descriptor %d, address %s", files, sockets.Descriptor(conn), conn.RemoteAddr())
		}
	}
}
