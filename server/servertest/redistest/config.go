package redistest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// config returns the text of the configuration. It names no path that can have a space.
func (s *Server) config(t testing.TB) string {
	t.Helper()
	lines := []string{"bind 127.0.0.1", "daemonize no", "tcp-backlog 128"}
	line := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if s.tls != nil {
		line("port 0")
		line("tls-port %d", s.Port)
		line("tls-cert-file %q", s.tls.certFile)
		line("tls-key-file %q", s.tls.keyFile)
		line("tls-ca-cert-file %q", s.tls.certFile)
		line("tls-auth-clients no")
		line("tls-replication yes")
	} else {
		line("port %d", s.Port)
	}
	if s.socket != "" {
		line("unixsocket %q", s.socket)
	}
	if s.o.Password != "" {
		line("requirepass %q", s.o.Password)
	}
	for _, user := range s.o.Users {
		line("user %s", user)
	}
	if s.sentinel {
		return strings.Join(append(lines, s.o.Config...), "\n") + "\n"
	}
	line("save \"\"")
	line("maxmemory-policy %s", cmp.Or(s.o.Eviction, "noeviction"))
	if s.o.Append != "" {
		line("appendonly yes")
		line("appendfsync %s", s.o.Append)
	}
	if s.cluster {
		line("cluster-enabled yes")
		line("cluster-port %d", s.busPort)
		line("repl-diskless-sync-delay 0")
	}
	if primary := s.o.ReplicaOf; primary != nil {
		line("replicaof 127.0.0.1 %d", primary.Port)
		line("repl-diskless-sync-delay 0")
		if primary.o.Password != "" {
			line("masterauth %q", primary.o.Password)
		}
	}
	return strings.Join(append(lines, s.o.Config...), "\n") + "\n"
}

// write writes a file of the server and returns its name.
func write(t testing.TB, dir, name string, text []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
