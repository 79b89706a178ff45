package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Handshake is the request that began a connection, and what its client sent with CONNECT. Whatever proves an identity
// is taken out: tokens, tickets, the Authorization header and the cookie. So are the recovery keys.
type Handshake struct {
	Time    time.Time
	Address string // of the client, without port; the one that a trusted proxy reports
	Secure  bool   // over TLS
	URL     string
	Headers http.Header
	Query   url.Values
	Auth    json.RawMessage // the data of CONNECT, an object
}

// newHandshake copies what is kept of a session's request and a CONNECT. A plain server keeps the payload as it came,
// but for the recovery keys.
func newHandshake(c *client, payload map[string]any) *Handshake {
	r, plain := c.session.Request(), c.srv.opts.Plain
	if !plain {
		r = withoutSecrets(r)
	}
	h := &Handshake{
		Time: time.Now(), Secure: r.TLS != nil, URL: r.URL.RequestURI(), Headers: r.Header, Query: r.URL.Query(),
		Address: c.admission.ip.String(),
	}
	hidden := []string{"pid", "offset", "token", "ticket"}
	if plain {
		hidden = hidden[:2]
	}
	shown := make(map[string]any, len(payload))
	for key, value := range payload {
		if !slices.Contains(hidden, key) {
			shown[key] = value
		}
	}
	h.Auth, _ = marshal(shown) // it was JSON
	return h
}

// withoutSecrets clones the handshake request and drops what proves who the
// client is.
func withoutSecrets(r *http.Request) *http.Request {
	clean := new(http.Request)
	*clean = *r
	clean.Header = r.Header.Clone()
	clean.Header.Del("Authorization")
	clean.Header.Del("Cookie")
	for _, cookie := range r.Cookies() {
		if cookie.Name != auth.CookieName {
			clean.AddCookie(cookie)
		}
	}
	query := r.URL.Query()
	query.Del("token")
	query.Del("ticket")
	clean.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	clean.RequestURI = clean.URL.RequestURI()
	return clean
}
