package sse

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
)

// Position returns the handler of GET /sse/position: the present position in the log, for pages,
// without credentials:
//
//	{"position":"5f3a9c01-1042"}
//
// A client that connects with it as `since` gets everything that is published after this response.
// So a page that reads its state between the two misses nothing.
func (h *Handler) Position() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.refuseMethod(w, r, "GET, HEAD")
			return
		}
		if err := h.o.Hub.Ready(); err != nil {
			h.problem(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, notify.Position{Position: h.o.Hub.Head().String()})
	})
}
