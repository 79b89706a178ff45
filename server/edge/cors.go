package edge

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"

	"github.com/roomcast/roomcast/auth"
)

// originRule decides about the Origin header of a request. r is for rules that compare the origin
// with the request's own host.
type originRule func(origin string, r *http.Request) bool

// WithCORS answers requests of foreign origins with 403 before they have any effect, on every
// transport. To the others it adds the CORS headers that let a page of an allowed origin use
// credentials.
//
// CORS alone only hides responses: a websocket handshake, a poll and a simple POST would have taken
// effect already. A request without Origin (a native client, a same-origin GET) passes; noOrigin,
// which may be nil, can refuse it, for requests whose only credential is a cookie.
func WithCORS(allow originRule, noOrigin func(*http.Request) bool, next http.Handler) http.Handler {
	shared := cors.New(cors.Options{
		AllowOriginVaryRequestFunc: func(r *http.Request, origin string) (bool, []string) {
			return allow(origin, r), nil
		},
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete},
		// The headers that a page asks for: its own ones (extraHeaders), and those that libraries
		// for tracing add to every request. Only allowed origins get here.
		AllowedHeaders:   []string{"*"},
		ExposedHeaders:   []string{"Retry-After", HeaderRequestID},
		AllowCredentials: true,
		MaxAge:           600,
	}).Handler(next)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origins := r.Header.Values("Origin")
		var ok bool
		switch {
		case len(origins) == 0:
			ok = noOrigin == nil || noOrigin(r)
			nameSite(allow, r)
		case len(origins) == 1 && origins[0] != "":
			ok = allow(origins[0], r)
		}
		if !ok {
			// A cache must not serve this refusal to an allowed origin.
			w.Header().Add("Vary", "Origin")
			WriteProblem(w, r, errForeignOrigin)
			return
		}
		shared.ServeHTTP(w, r)
	})
}

// nameSite adds the header "Sec-Fetch-Site: same-origin" that a browser leaves out over plain HTTP,
// if the Referer names a page of an allowed origin. A browser sends no Origin only to the page's
// own host, which this server does not know when a proxy changes the Host header. Package auth
// needs the header for a cookie.
func nameSite(allow originRule, r *http.Request) {
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Cookie") == "" {
		return
	}
	if origin, _ := auth.RefererOrigin(r); origin != "" && allow(origin, r) {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
}

// OwnOrigin allows only the host that the request was sent to.
func OwnOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
}

// WithAPIHeaders sets headers for data: browsers must not sniff, cache or frame it, and must run
// nothing if they render it.
func WithAPIHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setAPIHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

func setAPIHeaders(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}
