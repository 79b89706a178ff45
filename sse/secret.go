package sse

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// HeaderSecret is the header of a request that controls a stream. Its value is the secret of the
// stream, from the event `connected`.
const HeaderSecret = "X-Stream-Secret"

// secretBytes is the size of a secret before its encoding: 128 bits.
const secretBytes = 16

// ErrSecret: the stream is anonymous, and the request does not have its secret.
var ErrSecret = &auth.Error{Code: "forbidden",
	Message: "an anonymous stream is controlled with the header " + HeaderSecret +
		": the secret of its event connected",
	Status: http.StatusForbidden}

// secretOf returns the secret of a stream. Everyone may learn a client id: it is in messages, in
// connection-update and in the API. The secret is in the event `connected` of its stream only. It
// is derived from the client id, so that a stream needs no memory for it.
func (h *Handler) secretOf(clientID string) string {
	mac := hmac.New(sha256.New, h.key[:])
	mac.Write([]byte(clientID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:secretBytes])
}

// hasSecret reports whether a request has the secret of a stream.
func (h *Handler) hasSecret(r *http.Request, clientID string) bool {
	given := r.Header.Get(HeaderSecret)
	return given != "" && hmac.Equal([]byte(given), []byte(h.secretOf(clientID)))
}

// find returns the running stream that a request may control, the member of the stream, and the
// identity whose rights apply. The request needs credentials of the stream's user, whose rights may
// be newer, or the secret of the stream. An anonymous stream has no credentials.
func (h *Handler) find(r *http.Request) (
	s *stream, m *notify.Member, owner auth.Identity, err error,
) {
	s, m = h.stream(clientIDOf(r))
	if h.o.Auth.Mode() == auth.ModeHook { // it is not asked about each request
		switch {
		case s == nil:
			return nil, nil, auth.Identity{}, ErrNoStream
		case h.hasSecret(r, s.clientID):
			return s, m, s.current(), nil
		}
	}
	identity, err := h.o.Auth.Authenticate(r.Context(), auth.FromRequest(r), auth.EventSource)
	s, m = h.stream(clientIDOf(r)) // the check of the credentials may have taken time
	switch {
	case err == nil && s != nil && identity.RoomUser() != "" &&
		identity.RoomUser() == s.identity.RoomUser():
		return s, m, identity, nil
	case s != nil && h.hasSecret(r, s.clientID):
		return s, m, s.current(), nil
	case err != nil:
	case s == nil:
		err = ErrNoStream
	case s.identity.Anonymous:
		err = ErrSecret
	default:
		err = ErrNotYours
	}
	return nil, nil, identity, err
}
