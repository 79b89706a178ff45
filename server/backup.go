package server

import (
	"encoding/json"
	"net/http"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
)

// backUp makes a copy of the stored notifications, on the disk of the server only. Pages may send a
// POST to a loopback address, so requests with an Origin are refused.
func (s *Service) backUp(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		s.auditAdmin(r, "backup", "", errBackupFromPage)
		edge.WriteProblem(w, r, errBackupFromPage)
		return
	}
	dir, last, err := s.o.Admin.Backup()
	s.auditAdmin(r, "backup", dir, err)
	if err != nil {
		s.o.Log.Error("no backup", zap.Error(err))
		edge.WriteProblem(w, r, &edge.Problem{Status: http.StatusServiceUnavailable,
			Code: edge.CodeUnavailable, Detail: "no backup: " + err.Error()})
		return
	}
	s.o.Log.Info("backup written", zap.String("directory", dir), zap.Stringer("last", last))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Directory string `json:"directory"`
		Last      string `json:"last"`
	}{dir, last.String()})
}

var errBackupFromPage = &edge.Problem{Status: http.StatusForbidden, Code: edge.CodeForbidden,
	Detail: "Origin: pages may not request a backup"}
