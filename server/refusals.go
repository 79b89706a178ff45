package server

import (
	"cmp"
	"net/http"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/metrics"
)

// withRefusals counts the answers that say no. Problem documents carry their code
// in the request's info; Engine.IO has its own form of error, known by the status.
func withRefusals(m *metrics.Metrics, engineIO func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := edge.InfoOf(r)
		defer func() {
			if info.Panicked {
				m.Panicked()
			}
			if info.Code == "" && info.Status >= http.StatusBadRequest && engineIO(r) {
				info.Code = cmp.Or(engineRefusals[info.Status], "other")
			}
			if info.Code != "" {
				m.Refused(info.Code)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// engineRefusals are the codes of Engine.IO answers.
var engineRefusals = map[int]string{
	http.StatusBadRequest: edge.CodeValidation, http.StatusForbidden: edge.CodeForbidden, http.StatusMethodNotAllowed: edge.CodeMethodNotAllowed,
	http.StatusRequestEntityTooLarge: edge.CodePayloadTooLarge, http.StatusRequestTimeout: edge.CodeRequestTimeout,
	http.StatusTooManyRequests: edge.CodeTooManyConnections, http.StatusServiceUnavailable: edge.CodeTooManyConnections,
}
