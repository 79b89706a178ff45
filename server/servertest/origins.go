package servertest

import "net/http"

// AllowOrigin is the rule for origins of test servers: https://app.example and the server itself.
func AllowOrigin(origin string, r *http.Request) bool {
	return origin == "https://app.example" || origin == "http://"+r.Host
}
