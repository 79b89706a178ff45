package server

import (
	"net/http"
	"sync/atomic"

	"github.com/roomcast/roomcast/server/edge"
)

// health answers the two probes of an orchestrator. The zero value is alive and
// ready.
type health struct {
	draining atomic.Bool
	store    func() error // nil, or an error while nothing can be stored
}

// live answers while the process can answer at all; a restart would not bring a
// store back, so the store is no part of it.
func (h *health) live(w http.ResponseWriter, r *http.Request) {
	edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers 503 when new work should go to another node.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.draining.Load():
		edge.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "draining"})
	case h.store != nil && h.store() != nil:
		edge.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "reason": "store"})
	default:
		edge.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}
