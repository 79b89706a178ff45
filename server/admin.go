package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// AdminOptions are the second listener, for operators: metrics, health and, when
// asked for, profiles. What it answers is on no other listener.
type AdminOptions struct {
	Addr     string // host:port; "" = there is none
	Key      string // Authorization: Bearer <key>; needed unless Addr is reached from this machine alone
	Pprof    bool   // serve /debug/pprof/: memory contents and command lines of goroutines, so for a few eyes only
	Optional bool   // go on without it when the port is taken
}

// admin is the running listener.
type admin struct {
	addr net.Addr
	srv  *http.Server
	done chan struct{}
}

// startAdmin opens the listener and serves until close. Without one it returns
// nil, whose close does nothing.
func (s *Service) startAdmin(ctx context.Context) (*admin, error) {
	o := s.o.Admin
	if o.Addr == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && o.Optional:
		s.o.Log.Warn("no metrics: the port of the admin listener is taken; choose another with ADMIN_ADDR, or none with ADMIN_ADDR=off",
			zap.String("address", o.Addr))
		return nil, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot listen on %s: the port is taken, choose another with ADMIN_ADDR, or none with ADMIN_ADDR=off: %w", o.Addr, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s, the ADMIN_ADDR: %w", o.Addr, err)
	}
	local := isLocal(l.Addr())
	if !local && o.Key == "" {
		_ = l.Close()
		return nil, fmt.Errorf("the admin listener on %s is reached from other machines: set ADMIN_KEY, or ADMIN_ADDR to an address of this machine alone", o.Addr)
	}
	a := &admin{addr: l.Addr(), srv: newHTTPServer(s.adminHandler(local), s.o.Log), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		_ = a.srv.Serve(l) // ends with close
	}()
	s.o.Log.Info("admin listening", zap.String("address", l.Addr().String()), zap.Bool("pprof", o.Pprof))
	return a, nil
}

func (a *admin) close() {
	if a != nil {
		_ = a.srv.Close()
		<-a.done
	}
}

func isLocal(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// adminHandler is all that the listener answers.
func (s *Service) adminHandler(local bool) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/", edge.NotFound)
	routes.Handle("/livez", edge.ByMethod{http.MethodGet: http.HandlerFunc(s.health.live)})
	routes.Handle("/readyz", edge.ByMethod{http.MethodGet: http.HandlerFunc(s.health.ready)})
	routes.Handle("/metrics", edge.ByMethod{http.MethodGet: s.o.Metrics.Handler()})
	if s.o.Admin.Pprof {
		// Without cmdline, which would show secrets that came as flags.
		routes.HandleFunc("/debug/pprof/", pprof.Index)
		routes.HandleFunc("/debug/pprof/cmdline", edge.NotFound)
		routes.HandleFunc("/debug/pprof/profile", pprof.Profile)
		routes.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		routes.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	handler := http.Handler(routes)
	if key := s.o.Admin.Key; key != "" {
		handler = requireAdminKey(key, handler)
	} else if local {
		handler = requireLocalName(handler)
	}
	return edge.WithInfo(nil, edge.WithRecovery(s.o.Log, handler))
}

// requireAdminKey compares digests, whose time to compare says nothing of the key.
func requireAdminKey(key string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(key))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		switch {
		case !strings.EqualFold(scheme, "Bearer"):
			edge.WriteProblem(w, r, errAdminKeyMissing)
		case subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			edge.WriteProblem(w, r, edge.ErrKeyWrong)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// requireLocalName refuses what asks for this machine by another name: a page in
// a browser here can have its own name resolve to 127.0.0.1 and read the answers.
func requireLocalName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && !strings.EqualFold(host, "localhost") {
			edge.WriteProblem(w, r, errAdminName)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	errAdminKeyMissing = &edge.Problem{Status: http.StatusUnauthorized, Code: edge.CodeUnauthenticated, Detail: "the admin key is required: Authorization: Bearer <ADMIN_KEY>"}
	errAdminName       = &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden, Detail: "Host: expected localhost or an IP address"}
)
