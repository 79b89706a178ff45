package engineio

import (
	"errors"
	"net/http"
	"os"
)

// foreign answers a request with an id of which the server has no session.
func (s *Server) foreign(w http.ResponseWriter, r *http.Request) {
	err := s.o.Foreign(w, r, r.URL.Query().Get("sid"))
	var status interface{ HTTPStatus() int }
	switch {
	case err == nil:
	case errors.As(err, &status):
		s.refuseAdmission(w, r, s.refusals, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.refuse(w, r, errSlowBody)
	default:
		s.refuse(w, r, errSession)
	}
}
