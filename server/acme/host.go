package acme

import (
	"net"
	"net/http"
	"strings"
)

// hostOf returns the name in the Host header without its port, in lower case.
func hostOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
