package servertest

import "net/http"

func AllowOrigin(origin string, r *http.Request) bool {
	return origin == "https://app.example" || origin == "http://"+r.Host
}
