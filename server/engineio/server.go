package engineio

import (
	"context"
	"net/http"
)

// Server is an http.Handler that serves Engine.IO sessions on whatever path it is mounted. It is safe for
// concurrent use.
type Server struct {
	o Options
}

// New returns a server.
func New(o Options) *Server { return &Server{o: o} }

// ServeHTTP answers one request: a handshake, a GET or POST of a polling session, or a WebSocket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Shutdown refuses new sessions with 503, then closes the present ones, each after what it has queued was
// written. It returns nil when all are gone, or ctx's error after it cut off those that were left.
func (s *Server) Shutdown(ctx context.Context) error { return nil }

// Len returns the number of open sessions.
func (s *Server) Len() int { return 0 }

// Range calls f for each open session, in no order, until it returns false. It holds no lock meanwhile.
func (s *Server) Range(f func(*Session) bool) {}
