package auth

import (
	"crypto/sha256"
	"net/http"
)

// Fingerprint identifies the token and the ticket of a request without revealing them. The zero
// Fingerprint is that of a request without both.
type Fingerprint struct {
	digest [16]byte
	header bool // a token of the Authorization header
	cookie bool // a token of the cookie
}

// FingerprintOf returns the Fingerprint of the token and the ticket that [FromRequest] reads. It
// does not check them. Use it to recognize further requests with the same credentials: a ticket can
// be checked once only, and the check of a token costs more.
func FingerprintOf(r *http.Request) (f Fingerprint) {
	var c Credentials
	q := Query(r)
	c.readProof(r, q)
	if c.Token == "" && c.Ticket == "" {
		return f
	}
	// No valid token or ticket contains a zero byte.
	digest := sha256.Sum256([]byte(c.Token + "\x00" + c.Ticket))
	copy(f.digest[:], digest[:])
	f.cookie = c.FromCookie
	f.header = c.Token != "" && !c.FromCookie && first(q["token"]) == ""
	return f
}

// IsZero reports whether the request has neither a token nor a ticket.
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// Equal reports whether both requests have the same token and ticket, in whatever form.
func (f Fingerprint) Equal(other Fingerprint) bool { return f.digest == other.digest }

// InHeader reports whether the token is that of the Authorization header, which a page cannot send
// with a WebSocket.
func (f Fingerprint) InHeader() bool { return f.header }

// Explicit reports whether the client itself sent the credentials, not the browser as a cookie.
func (f Fingerprint) Explicit() bool { return !f.IsZero() && !f.cookie }
