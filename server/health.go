package server

import (
	"net/http"
	"sync/atomic"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// health serves the two probes of an orchestrator. The zero value is alive and ready.
type health struct {
	draining atomic.Bool
	log      func() error // returns an error until the log has been read; may be nil
	store    func() error // returns an error while the store is unavailable; may be nil
	keys     *auth.KeySet // of the identity provider; may be nil
}

// live always returns 200. It ignores the store, because a restart would not repair it.
func (h *health) live(w http.ResponseWriter, r *http.Request) {
	edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready returns 503 while new work should go to another node.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.draining.Load():
		edge.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "draining"})
	case h.log != nil && h.log() != nil:
		edge.WriteJSON(w, http.StatusServiceUnavailable,
			map[string]string{"status": "unavailable", "reason": "log"})
	case h.store != nil && h.store() != nil:
		edge.WriteJSON(w, http.StatusServiceUnavailable,
			map[string]string{"status": "unavailable", "reason": "store"})
	case h.keys != nil && !h.keys.Ready():
		edge.WriteJSON(w, http.StatusServiceUnavailable,
			map[string]string{"status": "unavailable", "reason": "keys"})
	default:
		edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}
