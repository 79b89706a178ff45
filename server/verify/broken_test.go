package verify

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// broken are proxies that each do one thing wrong, with the name of the fault.
var broken = map[string]struct {
	fault  string
	serve  func(p *proxy) http.Handler
	change func(*Options)
	server func(*setup)
}{
	"holds events until a buffer is full": {fault: "buffering",
		serve: func(p *proxy) http.Handler {
			p.ModifyResponse = onStreams(func(res *http.Response) {
				res.Body = &holding{ReadCloser: res.Body}
			})
			return p
		},
		change: func(o *Options) { o.Patience = time.Second },
	},
	"removes Upgrade": {fault: "upgrade", serve: without("Upgrade", "Connection")},
	"compresses streams": {fault: "compression", serve: func(p *proxy) http.Handler {
		p.ModifyResponse = onStreams(func(res *http.Response) {
			res.Header.Set("Content-Encoding", "gzip")
			res.Body = compressed(res.Body)
		})
		return p
	}},
	"adds CORS headers": {fault: "cors", serve: func(p *proxy) http.Handler {
		p.ModifyResponse = func(res *http.Response) error {
			res.Header.Add("Access-Control-Allow-Origin", "*")
			return nil
		}
		return p
	}},
	"answers OPTIONS itself": {fault: "cors",
		serve: refuse(http.StatusMethodNotAllowed,
			func(r *http.Request) bool { return r.Method == http.MethodOptions }),
		change: func(o *Options) { o.Origin = "https://app.example" },
		server: func(s *setup) {
			s.service.AllowOrigin = func(string, *http.Request) bool { return true }
			s.checkOrigin = func(*http.Request) bool { return true }
		},
	},
	"limits bodies": {fault: "body", serve: refuse(http.StatusRequestEntityTooLarge,
		func(r *http.Request) bool { return r.ContentLength > 64<<10 })},
	"limits headers": {fault: "headers", serve: refuse(http.StatusRequestHeaderFieldsTooLarge,
		func(r *http.Request) bool { return len(r.Header.Get("X-Verify")) > 2<<10 })},
	"strips a path": {fault: "path", serve: func(p *proxy) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/sse")
			p.ServeHTTP(w, r)
		})
	}},
	"knows no path for sockets": {fault: "path", serve: refuse(http.StatusNotFound,
		func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/socket.io") })},
	"repeats requests": {fault: "doubled", serve: func(p *proxy) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/v1/notifications" {
				body, _ := io.ReadAll(r.Body)
				again := r.Clone(r.Context())
				again.Body = io.NopCloser(bytes.NewReader(body))
				p.ServeHTTP(discard{http.Header{}}, again)
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			p.ServeHTTP(w, r)
		})
	}},
	"removes Last-Event-ID": {fault: "lost", serve: without("Last-Event-ID"),
		change: func(o *Options) { o.Patience = time.Second }},
	"removes Authorization": {fault: "authorization", serve: without("Authorization")},
	"changes Host": {fault: "host", serve: func(p *proxy) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = p.targets[0]
			p.ServeHTTP(w, r)
		})
	}},
	"is not trusted": {fault: "address", serve: func(p *proxy) http.Handler { return p },
		server: func(s *setup) { s.service.TrustedProxies = nil }},
	"caches handshakes": {fault: "cache", serve: func(p *proxy) http.Handler {
		var once sync.Once
		var first recorder
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("transport") != polling || q.Has("sid") || r.Method != http.MethodGet {
				p.ServeHTTP(w, r)
				return
			}
			once.Do(func() { first.Header().Set("X-Cache", "hit"); p.ServeHTTP(&first, r) })
			_, _ = w.Write(first.Bytes())
		})
	}},
}

// Each broken proxy is named rightly, and nothing else is.
func TestBrokenProxies(t *testing.T) {
	t.Parallel()
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := func(*setup) {}
			if b.server != nil {
				change = b.server
			}
			o := testOptions(servertest.Serve(t, b.serve(newProxy(t, startServer(t, change)))))
			if b.change != nil {
				b.change(&o)
			}
			check(t, o, b.fault)
		})
	}
}

// A balancer that sends each request to the next of two nodes.
func TestNotSticky(t *testing.T) {
	t.Parallel()
	o := testOptions(servertest.Serve(t, newProxy(t, startServer(t), startServer(t))))
	o.Key = "" // two nodes without Redis are two servers
	r := testRun(t, o)
	if err := r.reach(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.sticky(t.Context()); !r.faults["sticky"] || len(r.faults) != 1 {
		t.Errorf("%+v", r.report.Results)
	}
}

// A proxy that closes connections without traffic closes those of all transports.
func TestIdleConnectionsAreCut(t *testing.T) {
	t.Parallel()
	o := testOptions(impatient(t, startServer(t), 700*time.Millisecond))
	o.Key, o.Idle = "", servertest.Patience
	r := testRun(t, o)
	r.works = map[string]bool{webSocket: true, eventSource: true, polling: true}
	if r.idle(t.Context()); !r.faults["idle"] || len(r.faults) != 1 {
		t.Errorf("%+v", r.report.Results)
	}
}

// Without TLS, or with a proxy that offers no HTTP/2, a browser has six connections.
func TestSixConnections(t *testing.T) {
	t.Parallel()
	for _, h2 := range []bool{true, false} {
		address, config := serveTLS(t, newProxy(t, startServer(t)), h2)
		o := testOptions(address)
		o.Base.Scheme, o.TLS = "https", config
		if h2 {
			check(t, o)
		} else {
			check(t, o, "http1")
		}
	}
}
