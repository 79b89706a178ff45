package server

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/forward"
	"github.com/roomcast/roomcast/sse"
)

// steer returns a handler that passes requests about a stream of another node to that node. own
// answers about streams of this node, and about those of nobody.
func (s *Service) steer(own http.Handler) http.Handler {
	if s.o.Forward == nil {
		return own
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := mux.Vars(r)["clientId"]
		// After a change of the tag of this node, streams of the former tag are still here.
		if r.Method != http.MethodPost || !s.o.Forward.IsForeign(id) ||
			s.o.Hub.Member(notify.RootNamespace, id) != nil {
			own.ServeHTTP(w, r)
			return
		}
		err := s.o.Forward.Forward(w, r, id)
		if errors.Is(err, forward.ErrUnknown) {
			err = sse.ErrNoStream
		}
		if err != nil {
			edge.WriteProblem(w, r, err)
		}
	})
}
