package verify

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// setup changes the parts of a server.
type setup struct {
	users   auth.Options
	streams sse.Options
	service server.Options

	checkOrigin func(*http.Request) bool
}

// startServer starts a complete server and returns its address. It trusts the proxies of this
// machine. Without heartbeats no bytes follow an event, so what a proxy holds stays there.
func startServer(t *testing.T, changes ...func(*setup)) string {
	t.Helper()
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	tickets := auth.NewTickets(nil)
	s := setup{users: auth.Options{Mode: auth.ModeOpen, Tickets: tickets},
		streams: sse.DefaultOptions(), service: server.DefaultOptions()}
	s.streams.Heartbeat = time.Hour
	s.service.APIKeys, s.service.DrainTimeout = []string{servertest.Key}, 0
	s.service.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, change := range changes {
		change(&s)
	}
	users, err := auth.New(s.users)
	if err != nil {
		t.Fatal(err)
	}
	sockets := socketio.DefaultOptions()
	sockets.Hub, sockets.Auth, sockets.CheckOrigin = hub, users, s.checkOrigin
	s.streams.Hub, s.streams.Auth = hub, users
	s.service.Hub, s.service.Tickets = hub, tickets
	if s.service.SocketIO, err = socketio.New(sockets); err != nil {
		t.Fatal(err)
	}
	if s.service.Streams, err = sse.New(s.streams); err != nil {
		t.Fatal(err)
	}
	service := server.New(s.service)
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- service.Serve(ctx, "127.0.0.1:0", func(a net.Addr) { listening <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	select {
	case a := <-listening:
		return a.String()
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return ""
}

// tokenMode makes a server that requires tokens.
func tokenMode(s *setup) {
	s.users.Mode, s.users.Secret = auth.ModeToken, auth.Secret(servertest.Secret)
}

// proxy is a proxy that does everything right, until a test changes it.
type proxy struct {
	*httputil.ReverseProxy
	targets []string
	mu      sync.Mutex
	turn    int
}

// newProxy returns a proxy in front of one server, or of several in turn.
func newProxy(t *testing.T, targets ...string) *proxy {
	p := &proxy{targets: targets}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	p.ReverseProxy = &httputil.ReverseProxy{FlushInterval: -1, Transport: transport,
		ErrorLog: log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", p.target()
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		}}
	return p
}

func (p *proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	return p.targets[p.turn%len(p.targets)]
}

// testOptions are those of a test that waits for nothing that it does not look for.
func testOptions(address string) Options {
	o := DefaultOptions()
	o.Base = &url.URL{Scheme: "http", Host: address}
	o.Key, o.Idle, o.Away = servertest.Key, 0, 0
	return o
}

// testRun returns a run whose checks a test calls.
func testRun(t *testing.T, o Options) *run {
	t.Helper()
	r, err := newRun(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.fresh.CloseIdleConnections)
	t.Cleanup(r.http.CloseIdleConnections)
	return r
}

// check runs all checks, and compares the faults, sorted.
func check(t *testing.T, o Options, want ...string) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*servertest.Patience)
	defer cancel()
	report, err := Run(ctx, o)
	got := []string{}
	for _, r := range report.Results {
		if r.Fault != "" {
			got = append(got, r.Fault)
			if r.State != Fault || r.Detail == "" || r.Advice == nil || r.Advice.Title == "" ||
				r.Advice.Change == "" || r.Advice.Page == "" {
				t.Errorf("%+v", r)
			}
		}
	}
	slices.Sort(got)
	if slices.Sort(want); err != nil || !slices.Equal(got, want) || !report.Complete ||
		report.OK != (len(want) == 0) || report.Faults != len(want) {
		t.Errorf("%v, complete %t: faults %q, want %q", err, report.Complete, got, want)
		for _, r := range report.Results {
			t.Logf("%-8s %-12s %s %s", r.State, r.Check, r.Fault, r.Detail)
		}
	}
	return report
}
