package server

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// health serves the two probes of an orchestrator. The zero value is alive and ready.
type health struct {
	draining atomic.Bool
	log      func() error // returns an error until the log has been read; may be nil
	keys     *auth.KeySet // of the identity provider; may be nil
}

// live always returns 200. It ignores the log, because a restart would not repair it.
func (h *health) live(w http.ResponseWriter, r *http.Request) {
	edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready returns 503 while new work should go to another node. A full disk or a Redis that is away does
// not matter: publishes get 503, and a proxy that takes the node for ill would take it from its clients.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	switch why := h.unready(); why {
	case "":
		edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	case draining:
		edge.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": why})
	default:
		edge.WriteJSON(w, http.StatusServiceUnavailable,
			map[string]string{"status": "unavailable", "reason": why})
	}
}

const draining = "draining"

// unready returns why the service is not ready: draining, or what is unavailable. "": it is ready.
func (h *health) unready() string {
	switch {
	case h.draining.Load():
		return draining
	case h.log != nil && h.log() != nil:
		return "log"
	case h.keys != nil && !h.keys.Ready():
		return "keys"
	}
	return ""
}

// unreadiness says what the reasons of /readyz mean.
var unreadiness = map[string]error{
	draining: errors.New("the server drains"),
	"log":    errors.New("the log has not been read yet"),
	"keys":   ErrNoKeys,
}

// ErrNoKeys is an error of Ready: tokens cannot be checked yet. Other clients are served.
var ErrNoKeys = errors.New("the key set of JWT_JWKS_URL has no keys yet")

// Ready returns nil while /readyz answers 200, else why it does not. Any goroutine may call it.
func (s *Service) Ready() error { return unreadiness[s.health.unready()] }

// Alive returns when the lock of the hub was free. A watchdog calls it: a process in which it does
// not return delivers nothing any more.
func (s *Service) Alive() { s.o.Hub.Stats() }
