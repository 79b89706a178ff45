package server

import (
	"cmp"
	"net/http"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/metrics"
)

// withRefusals counts refused requests and panics. WriteProblem notes its code in the Info of the
// request. Engine.IO writes errors of its own, so their code comes from the status.
func withRefusals(
	m *metrics.Metrics, engineIO func(*http.Request) bool, next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := edge.InfoOf(r)
		defer func() {
			if info.Panicked {
				m.Panicked()
			}
			if info.Forwarded {
				return
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

// engineRefusals maps the statuses of Engine.IO to codes.
var engineRefusals = map[int]string{
	http.StatusBadRequest:            edge.CodeValidation,
	http.StatusForbidden:             edge.CodeForbidden,
	http.StatusMethodNotAllowed:      edge.CodeMethodNotAllowed,
	http.StatusRequestTimeout:        edge.CodeRequestTimeout,
	http.StatusRequestEntityTooLarge: edge.CodePayloadTooLarge,
	http.StatusTooManyRequests:       edge.CodeTooManyConnections,
	http.StatusServiceUnavailable:    edge.CodeTooManyConnections,
}
