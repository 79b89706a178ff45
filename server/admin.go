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

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
)

// AdminOptions configure a second listener for operators. It serves metrics, health and, if
// enabled, profiles. The main listener serves neither metrics nor profiles.
type AdminOptions struct {
	Addr     string       // host:port, or unix: and a path; "": no admin listener
	Key      string       // for Authorization: Bearer <key>; required unless Addr is of this machine
	Listener net.Listener // as that of Options, instead of Addr; may be nil
	Pprof    bool         // serve /debug/pprof/, which shows stacks and contents of the memory
	Optional bool         // when the port is taken, log a warning and start without the listener
	// Backup makes a copy of the stored notifications and returns its directory, and the id of the
	// last notification that is certainly in it. nil: nothing is stored.
	Backup func() (dir string, last notify.ID, err error)
}

// admin is a running admin listener.
type admin struct {
	addr net.Addr
	srv  *http.Server
	done chan struct{}
}

// startAdmin opens the listener and serves it until close. Without an address it returns nil; close
// accepts nil.
func (s *Service) startAdmin(ctx context.Context) (*admin, error) {
	o := s.o.Admin
	if o.Addr == "" && o.Listener == nil {
		return nil, nil
	}
	l, err := s.listenAdmin(ctx)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && o.Optional:
		s.o.Log.Warn("no admin listener: the port is taken; set another one with ADMIN_ADDR, "+
			"or ADMIN_ADDR=off",
			zap.String("address", o.Addr))
		return nil, nil
	case errors.Is(err, syscall.EADDRINUSE) && !strings.HasPrefix(o.Addr, unixPrefix):
		return nil, fmt.Errorf("cannot listen on %s: the port is taken, "+
			"set another one with ADMIN_ADDR, or ADMIN_ADDR=off: %w", o.Addr, err)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s (ADMIN_ADDR): %w", o.Addr, err)
	}
	local := isLocal(l.Addr())
	if !local && o.Key == "" {
		_ = l.Close()
		return nil, fmt.Errorf("other machines can reach the admin listener on %s: "+
			"set ADMIN_KEY, or a loopback address as ADMIN_ADDR", o.Addr)
	}
	a := &admin{addr: l.Addr(), srv: newHTTPServer(s.adminHandler(local), s.o.Log),
		done: make(chan struct{})}
	go func() {
		defer close(a.done)
		// It returns after close.
		_ = a.srv.Serve(newCounted(l, s.o.Descriptors, true, nil, s.o.Log))
	}()
	s.o.Log.Info("admin listening", zap.String("address", l.Addr().String()),
		zap.Bool("pprof", o.Pprof))
	return a, nil
}

func (s *Service) listenAdmin(ctx context.Context) (net.Listener, error) {
	if s.o.Admin.Listener != nil {
		return adopt(s.o.Admin.Listener)
	}
	if path, isUnix := strings.CutPrefix(s.o.Admin.Addr, unixPrefix); isUnix {
		return bindAlone(ctx, path, s.o.SocketMode)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", s.o.Admin.Addr)
}

func (a *admin) close() {
	if a != nil {
		_ = a.srv.Close()
		<-a.done
	}
}

// isLocal reports whether only this machine can reach a listener.
func isLocal(a net.Addr) bool {
	if a.Network() == "unix" {
		return true
	}
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// adminHandler returns the handler of the admin listener. local is true for a loopback address.
func (s *Service) adminHandler(local bool) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/", edge.NotFound)
	routes.Handle("/livez", edge.ByMethod{http.MethodGet: http.HandlerFunc(s.health.live)})
	routes.Handle("/readyz", edge.ByMethod{http.MethodGet: http.HandlerFunc(s.health.ready)})
	routes.Handle("/metrics", edge.ByMethod{http.MethodGet: s.o.Metrics.Handler()})
	if s.o.Admin.Backup != nil {
		routes.Handle("/backup", edge.ByMethod{http.MethodPost: http.HandlerFunc(s.backUp)})
	}
	if s.o.Admin.Pprof {
		// cmdline would show secrets that the operator passed as flags.
		routes.HandleFunc("/debug/pprof/", s.audited("profile", pprof.Index))
		routes.HandleFunc("/debug/pprof/cmdline", edge.NotFound)
		routes.HandleFunc("/debug/pprof/profile", s.audited("profile", pprof.Profile))
		routes.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		routes.HandleFunc("/debug/pprof/trace", s.audited("profile", pprof.Trace))
	}
	handler := http.Handler(routes)
	if s.o.Admin.Key != "" {
		handler = s.requireAdminKey(handler)
	} else if local {
		handler = requireLocalName(handler)
	}
	return edge.WithInfo(nil, edge.WithRecovery(s.o.Log, handler))
}

// requireAdminKey refuses requests without the key. It compares digests in constant time, so that
// the time reveals nothing about the key. As in the API, too many wrong keys of an address get 429,
// and the right key is always accepted.
func (s *Service) requireAdminKey(next http.Handler) http.Handler {
	failures := limit.KeyFailures()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		given = strings.TrimSpace(given)
		got, want := sha256.Sum256([]byte(given)), s.settings.load().adminKey
		var refused error
		switch {
		case !strings.EqualFold(scheme, "Bearer"):
			refused = errAdminKeyMissing
		case given == "", subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			refused = edge.ErrKeyWrong
			if ok, retry := failures.Allow(edge.ClientIP(r)); !ok {
				refused = edge.TooManyKeys(retry)
			}
		default:
			next.ServeHTTP(w, r)
			return
		}
		s.auditAdmin(r, "admin", r.URL.Path, refused)
		edge.WriteProblem(w, r, refused)
	})
}

// auditAdmin notes what was asked of the admin listener.
func (s *Service) auditAdmin(r *http.Request, action, target string, err error) {
	s.o.Audit.Note(r, edge.Action{Name: action, Actor: "admin", Target: target, Count: -1, Err: err})
}

// audited notes requests that show the memory of the process.
func (s *Service) audited(action string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.auditAdmin(r, action, r.URL.Path, nil)
		next(w, r)
	}
}

// requireLocalName refuses requests whose Host is a name other than localhost. Without it, a web
// page whose name resolves to 127.0.0.1 (DNS rebinding) could read the responses.
func requireLocalName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
		_, err = netip.ParseAddr(host)
		if err != nil && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
			edge.WriteProblem(w, r, errAdminName)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	errAdminKeyMissing = &edge.Problem{Status: http.StatusUnauthorized,
		Code:   edge.CodeUnauthenticated,
		Detail: "the admin key is required: Authorization: Bearer <ADMIN_KEY>"}
	errAdminName = &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
		Detail: "Host: expected localhost or an IP address"}
)
