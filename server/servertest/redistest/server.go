// Package redistest starts real Redis servers for tests.
package redistest

import (
	"crypto/x509"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// Options are the settings of a server. The zero value is a server without a password, TLS and
// files, which never evicts.
type Options struct {
	Password string   // of the default user
	Users    []string // lines of an ACL file after the word user: "name on >password ~* &* +@all"
	TLS      bool     // the port speaks TLS only
	Socket   bool     // also listen on a Unix socket
	// Append is appendfsync of the append-only file: always, everysec or no. Without it a server that
	// restarts is empty.
	Append    string
	Eviction  string // maxmemory-policy
	ReplicaOf *Server
	Config    []string // more lines of the configuration
}

// Server is a Redis server on a loopback port. It ends with its test. Any goroutine may call the
// methods that do not take a test; those that do end it by a failure.
type Server struct {
	Port int

	o           Options
	dir, socket string
	program     string
	sentinel    bool
	cluster     bool
	busPort     int // by which the nodes of a cluster talk
	tls         *certificate

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil: no process runs
	ended chan struct{} // closed when the process has ended
}

// Start starts a server and waits until it answers; a replica also until it has the data of its
// primary. Without the program the test is skipped, and fails where CI is set in the environment.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := newServer(t, o)
	s.start(t)
	if o.ReplicaOf != nil {
		servertest.Eventually(t, "a replica has the data of its primary", func() bool {
			return s.Info(t, "master_link_status") == "up"
		})
	}
	return s
}

func newServer(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{o: o, program: find(t), dir: t.TempDir()}
	if o.TLS {
		s.tls = newCertificate(t, s.dir)
	}
	if o.Socket { // a path of a socket has at most 107 bytes, and the name of a test can be longer
		short, err := os.MkdirTemp("", "redis")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(short) })
		s.socket = filepath.Join(short, "s")
	}
	t.Cleanup(s.Kill)
	return s
}

// find returns the program. Valkey's takes the same configuration.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("redis-server is missing; .ci/deps says how to install it")
	}
	t.Skip("redis-server is not installed")
	return ""
}

// Addr returns host:port.
func (s *Server) Addr() string { return address(s.Port) }

// URL returns the address with the password of the default user.
func (s *Server) URL() string { return s.URLOf("", s.o.Password) }

// URLOf returns the address with a user and a password.
func (s *Server) URLOf(user, password string) string {
	u := url.URL{Scheme: "redis", Host: s.Addr()}
	if s.o.TLS {
		u.Scheme = "rediss"
	}
	if user != "" || password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// SocketURL returns the address of the Unix socket.
func (s *Server) SocketURL() string {
	u := url.URL{Scheme: "unix", Path: s.socket}
	if s.o.Password != "" {
		u.User = url.UserPassword("", s.o.Password)
	}
	return u.String()
}

// Roots returns the certificates that a client of a server with TLS has to trust.
func (s *Server) Roots() *x509.CertPool { return s.tls.roots }

// RootFile returns the name of the file that has them.
func (s *Server) RootFile() string { return s.tls.certFile }

// Log returns what the process has written, for the message of a failure.
func (s *Server) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(text)
}
