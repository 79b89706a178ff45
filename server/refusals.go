package server

import (
	"cmp"
	"net/http"
)

// withRefusals counts the answers that say no. Problem documents carry their code
// in the request's info; Engine.IO has its own form of error, known by the status.
func withRefusals(m *Metrics, engineIO func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := infoOf(r)
		defer func() {
			if info.panicked {
				m.Panicked()
			}
			if info.code == "" && info.status >= http.StatusBadRequest && engineIO(r) {
				info.code = cmp.Or(engineRefusals[info.status], "other")
			}
			if info.code != "" {
				m.Refused(info.code)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// engineRefusals are the codes of Engine.IO answers.
var engineRefusals = map[int]string{
	http.StatusBadRequest: codeValidation, http.StatusForbidden: codeForbidden, http.StatusMethodNotAllowed: codeMethod,
	http.StatusRequestEntityTooLarge: codeTooLarge, http.StatusRequestTimeout: codeTimeout,
	http.StatusTooManyRequests: codeTooMany, http.StatusServiceUnavailable: codeTooMany,
}
