package socketio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Handshake is the request that opened a connection and the payload of its CONNECT. It has nothing
// that proves an identity: no token, ticket, Authorization header or auth cookie. It has no
// recovery keys either.
type Handshake struct {
	Time    time.Time
	Address string // of the client, without port; a trusted proxy may report it
	Secure  bool   // over TLS
	URL     string
	Headers http.Header
	Query   url.Values
	Auth    json.RawMessage // the payload of CONNECT, an object
}

// credentialKeys and recoveryKeys are fields of the payload that handlers do not see.
var (
	credentialKeys = []string{"token", "ticket"}
	recoveryKeys   = []string{"pid", "offset"}
)

// newHandshake builds the Handshake of a CONNECT. A plain server keeps everything except the
// recovery keys.
func newHandshake(c *client, payload map[string]json.RawMessage) *Handshake {
	r := c.session.Request()
	hidden := recoveryKeys
	if !c.srv.opts.Plain {
		r = withoutSecrets(r)
		hidden = slices.Concat(recoveryKeys, credentialKeys)
	}
	r.Header.Set("Host", r.Host) // net/http removes it from Header, a Node server keeps it
	h := &Handshake{
		Time: time.Now(), Secure: r.TLS != nil, URL: r.URL.RequestURI(), Headers: r.Header,
		Query: r.URL.Query(),
	}
	if c.admission.ip.IsValid() { // else a unix socket
		h.Address = c.admission.ip.String()
	}
	shown := make(map[string]json.RawMessage, len(payload))
	for key, value := range payload {
		if !slices.Contains(hidden, key) {
			shown[key] = value
		}
	}
	h.Auth, _ = marshal(shown) // it was JSON
	return h
}

// withoutSecrets copies a handshake request without everything that proves an identity.
func withoutSecrets(r *http.Request) *http.Request {
	clean := new(http.Request)
	*clean = *r
	clean.Header = r.Header.Clone()
	clean.Header.Del("Authorization")
	if others := auth.WithoutCookie(r.Header["Cookie"]); others != "" {
		clean.Header.Set("Cookie", others)
	} else {
		clean.Header.Del("Cookie")
	}
	clean.URL = &url.URL{Path: r.URL.Path, RawQuery: withoutCredentials(r.URL.RawQuery)}
	clean.RequestURI = clean.URL.RequestURI()
	return clean
}

// withoutCredentials removes the credentials from a query and keeps the order of the rest. It also
// removes parts that cannot be decoded, because they are no parameters.
func withoutCredentials(query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(name)
		if part != "" && err == nil && !slices.Contains(credentialKeys, key) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}
