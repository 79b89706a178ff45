package limit

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// opened returns n connections that count, and a function that closes them, each twice.
func opened(d *Descriptors, n int) (closeAll func()) {
	var all []net.Conn
	for range n {
		here, there := net.Pipe()
		_ = there.Close()
		all = append(all, d.Count(here))
	}
	return func() {
		for _, c := range all {
			_ = c.Close()
			_ = c.Close()
		}
	}
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	d := NewDescriptors(100, 10)
	for _, c := range []struct {
		open, held           int
		tight, full, refuses bool
	}{
		{69, 69, false, false, false},
		{70, 69, true, false, false}, // a connection in a burst: there is room for its stream
		{70, 70, true, false, true},
		{79, 10, true, false, false},
		{80, 10, true, false, true}, // nine tenths
		{84, 10, true, false, true},
		{85, 10, true, true, true},
	} {
		closeAll := opened(d, c.open)
		if d.Tight() != c.tight || d.Full() != c.full || d.refuses(c.held) != c.refuses {
			t.Errorf("%d open, %d held: tight %t, full %t, refuses %t, want %+v", c.open, c.held,
				d.Tight(), d.Full(), d.refuses(c.held), c)
		}
		closeAll()
		if d.used() != 10 {
			t.Fatalf("%d are in use after all were closed", d.used())
		}
	}
	var none *Descriptors
	if NewDescriptors(0, 0) != none || none.Tight() || none.Full() || none.refuses(1e9) ||
		none.Enough(1e9) != nil {
		t.Error("without a limit something is refused")
	}
}

func TestDescriptorsEnough(t *testing.T) {
	t.Parallel()
	d := NewDescriptors(200, 20)
	if err := d.Enough(140); err != nil {
		t.Errorf("140 of 200: %v", err)
	}
	err := d.Enough(10_000)
	want := "the limit of open files is 200 and MAX_CONNECTIONS is 10000: streams and sockets are " +
		"refused from about 140 connections on; raise the limit to 12526 ("
	if err == nil || !strings.HasPrefix(err.Error(), want) ||
		!strings.HasSuffix(err.Error(), "or set MAX_CONNECTIONS=140") {
		t.Errorf("%v\nwant %s…", err, want)
	}
	if err := NewDescriptors(12526, 20).Enough(10_000); err != nil {
		t.Errorf("the limit that the error names: %v", err)
	}
}

// A TCP connection that counts keeps the methods that a transport uses.
func TestCountedConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	counted := NewDescriptors(100, 0).Count(conn)
	defer counted.Close()
	for name, ok := range map[string]bool{
		"CloseWrite": is[interface{ CloseWrite() error }](counted),
		"SetLinger":  is[interface{ SetLinger(int) error }](counted),
		"ReadFrom":   is[io.ReaderFrom](counted),
		"Socket":     is[interface{ Socket() syscall.Conn }](counted),
	} {
		if !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

// The limit of open files refuses like MAX_CONNECTIONS, with another name.
func TestLimiterOfDescriptors(t *testing.T) {
	t.Parallel()
	d := NewDescriptors(100, 50)
	l := New(Options{Descriptors: d})
	ip := netip.MustParseAddr("192.0.2.1")
	release, err := l.AcquireSocket(ip)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	defer opened(d, 40)()
	for name, acquire := range map[string]func(netip.Addr) (func(), error){
		"socket": l.AcquireSocket, "handshake": func(ip netip.Addr) (func(), error) { return l.PreAuth(ip, nil) },
		"stream": func(ip netip.Addr) (func(), error) { return l.AcquireStream(ip, "") },
	} {
		_, err := acquire(ip)
		refused, ok := err.(*Error)
		if !ok || refused.HTTPStatus() != 503 || refused.RetryAfter() <= 0 ||
			refused.Error() != "Too many connections (files limit)" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimiterReload(t *testing.T) {
	t.Parallel()
	l := New(Options{MaxConnections: 1})
	ip := netip.MustParseAddr("192.0.2.1")
	if _, err := l.AcquireSocket(ip); err != nil {
		t.Fatal(err)
	}
	if _, err := l.AcquireSocket(ip); err == nil {
		t.Error("a connection above the limit")
	}
	l.Reload(Options{MaxConnections: 2})
	if _, err := l.AcquireSocket(ip); err != nil {
		t.Errorf("after the limit was raised: %v", err)
	}
	l.Reload(Options{MaxConnections: 1})
	if n, _, _ := l.Counts(); n != 2 {
		t.Errorf("%d connections are open after the limit was lowered, want 2", n)
	}
}

// The connections of an address count until they are closed.
func TestDescriptorsOfAnAddress(t *testing.T) {
	t.Parallel()
	d := NewDescriptors(80, 0)
	one, same := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	other := netip.MustParseAddr("192.0.2.1")
	var all []net.Conn
	for i := range 68 { // 17 of 20
		here, there := net.Pipe()
		_ = there.Close()
		ip := netip.Addr{}
		if i < 10 { // an eighth
			ip = one
		}
		all = append(all, d.CountClient(here, ip))
	}
	if !d.Crowds(one) || !d.Crowds(same) || d.Crowds(other) || d.Crowds(netip.Addr{}) {
		t.Error("who crowds the others is wrong")
	}
	_ = all[0].Close()
	_ = all[0].Close()
	if d.Crowds(one) {
		t.Error("fewer than 17 of 20 are in use")
	}
	for _, c := range all {
		_ = c.Close()
	}
	if len(d.addresses) != 0 {
		t.Errorf("%d addresses are left", len(d.addresses))
	}
	var none *Descriptors
	if none.Crowds(one) {
		t.Error("without a limit an address crowds others")
	}
}
