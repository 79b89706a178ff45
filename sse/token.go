package sse

import (
	"context"
	"net/http"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// Authenticator decides who a stream is: an [*auth.Authenticator], or what counts failures in front of one.
type Authenticator interface {
	Authenticate(context.Context, auth.Credentials, auth.Transport) (auth.Identity, error)
	Refresh(ctx context.Context, current auth.Identity, token string) (auth.Identity, error)
}

// renewed is the answer to a new token.
type renewed struct {
	ExpiresAt string `json:"expiresAt"`
}

// maxTokenBody is the most bytes that a renewal may take.
const maxTokenBody = auth.MaxToken + 1<<10

// ErrNobodys: a stream without a user has no token to renew.
var ErrNobodys = &auth.Error{Code: "forbidden", Message: "this stream has no user", Status: http.StatusForbidden}

// Token returns the handler of POST /sse/{clientId}/token, which lets a running stream live until a new token ends:
//
//	{"token":"…"}  ->  {"expiresAt":"2026-11-22T10:00:00.000Z"}
//
// The token must be of the stream's user, which is why it needs no other credentials beside it. Channels that it does
// not allow are left. One that is refused changes nothing. The client id is found as in [Handler.Channels].
func (h *Handler) Token() http.Handler { return http.HandlerFunc(h.renew) }

func (h *Handler) renew(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	body, err := readBody(w, r, maxTokenBody)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	token, err := parseToken(body)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	s, member := h.stream(clientIDOf(r))
	switch {
	case s == nil:
		h.o.Problem(w, r, ErrNoStream)
		return
	case s.identity.Anonymous:
		h.o.Problem(w, r, ErrNobodys)
		return
	}
	identity, err := h.o.Auth.Refresh(r.Context(), s.who(), token)
	if err != nil {
		h.o.Problem(w, r, err)
		return
	}
	s.take(identity, member)
	writeJSON(w, http.StatusOK, renewed{timestamp(identity.ExpiresAt)})
}

// stream returns the running stream of a client id and its member, nil when there is none.
func (h *Handler) stream(clientID string) (*stream, *notify.Member) {
	m := h.o.Hub.Member(root, clientID)
	if m == nil {
		return nil, nil
	}
	s, ok := m.Owner().(*stream)
	if !ok || s.h != h { // a socket, say
		return nil, nil
	}
	return s, m
}

// who is the identity of today.
func (s *stream) who() auth.Identity {
	if id := s.renewed.Load(); id != nil {
		return *id
	}
	return s.identity
}

// take puts an identity into force, from any goroutine. The rooms that it may not be in are left after that, so none is
// joined again by the old one; then the stream looks at its new end.
func (s *stream) take(identity auth.Identity, member *notify.Member) {
	s.renewed.Store(&identity)
	s.h.o.Hub.LeaveForbidden(member, identity.MayJoin)
	s.awake()
}

// parseToken reads {"token":"…"} and nothing else. Its error shows nothing of what came.
func parseToken(body []byte) (token string, err error) {
	if err := parseObject(body, "", []field{{name: "token", to: &token}}); err != nil || token == "" {
		return "", invalid("token", `expected a JSON object {"token":"…"} and no other field`)
	}
	return token, nil
}
