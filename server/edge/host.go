package edge

import "net/http"

// WithHosts refuses requests whose Host header allow does not accept. nil accepts all.
func WithHosts(allow func(host string) bool, next http.Handler) http.Handler {
	if allow == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(r.Host) {
			WriteProblem(w, r, &Problem{
				Status: http.StatusForbidden, Code: CodeForbidden, Field: "Host",
				Detail: "Host: without a JWT key this server answers only for localhost and the hosts " +
					"of ALLOWED_ORIGINS",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
