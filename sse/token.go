package sse

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// Authenticator authenticates a stream. An [*auth.Authenticator] is one; the server's wrapper also
// counts failures.
type Authenticator interface {
	Authenticate(context.Context, auth.Credentials, auth.Transport) (auth.Identity, error)
	Refresh(ctx context.Context, current auth.Identity, token string) (auth.Identity, error)
	Renew(ctx context.Context, current auth.Identity, done func(auth.Identity, error))
	Mode() auth.Mode
}

// renewed is the reply to a new token.
type renewed struct {
	ExpiresAt string `json:"expiresAt"`
}

// maxTokenBody is the limit, in bytes, for the body of a renewal.
const maxTokenBody = auth.MaxToken + 1<<10

// ErrNoUser: a stream without a user has no token that could be renewed.
var ErrNoUser = &auth.Error{Code: "forbidden", Message: "this stream has no user",
	Status: http.StatusForbidden}

// Token returns the handler of POST /sse/{clientId}/token, which lets a running stream continue
// until the end of a new token:
//
//	{"token":"…"}  ->  {"expiresAt":"2026-11-22T10:00:00.000Z"}
//
// The token must belong to the stream's user; the request needs no other credentials. The stream
// leaves the channels that the token does not allow. A refused token changes nothing.
// [Handler.Channels] describes the client id.
func (h *Handler) Token() http.Handler { return http.HandlerFunc(h.renew) }

func (h *Handler) renew(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		h.refuseMethod(w, r, "POST")
		return
	}
	body, err := h.readBody(w, r, maxTokenBody)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	token, err := parseToken(body)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	s, member := h.stream(clientIDOf(r))
	switch {
	case s == nil:
		h.problem(w, r, ErrNoStream)
		return
	case s.identity.Anonymous:
		h.problem(w, r, ErrNoUser)
		return
	}
	identity, err := h.o.Auth.Refresh(r.Context(), s.current(), token)
	if err != nil {
		h.problem(w, r, err)
		return
	}
	s.take(identity, member)
	writeJSON(w, http.StatusOK, renewed{timestamp(identity.ExpiresAt)})
}

// stream returns the running stream of a client id and its member, or nil if there is none.
func (h *Handler) stream(clientID string) (*stream, *notify.Member) {
	m := h.o.Hub.Member(root, clientID)
	if m == nil {
		return nil, nil
	}
	s, ok := m.Owner().(*stream)
	if !ok || s.h != h { // for example a Socket.IO client
		return nil, nil
	}
	return s, m
}

// current returns the identity of the latest token.
func (s *stream) current() auth.Identity {
	if id := s.renewed.Load(); id != nil {
		return *id
	}
	return s.identity
}

// take replaces the identity. Any goroutine may call it. The member joins the rooms that a connect
// hook names, leaves those that it names no longer, and leaves forbidden rooms afterwards, so that a concurrent request with the old identity cannot join them again. take wakes
// the stream, because the end of its token has changed.
func (s *stream) take(identity auth.Identity, member *notify.Member) {
	former := s.current()
	s.renewed.Store(&identity)
	s.expires.Store(wallNanos(identity.ExpiresAt))
	for _, name := range former.Rooms {
		if !slices.Contains(identity.Rooms, name) {
			member.Leave(s.h.o.Hub.PlacesIn(root, name)...)
		}
	}
	member.Join(s.h.o.Hub.PlacesIn(root, identity.Rooms...)...)
	s.h.o.Hub.LeaveForbidden(member, identity.MayJoin)
	s.wake()
}

// askHook asks the connect hook again about a stream whose identity has ended, if it can be asked
// and the stream may wait for the answer. Only the writer calls it. While the hook is not available,
// the stream asks again later.
func (s *stream) askHook(now instant) (asked bool) {
	current := s.current()
	grace := current.ExpiresAt.Add(auth.RenewGrace).UnixNano()
	if !current.CanRenew() || now.wall >= grace {
		return false
	}
	// The end moves to the next question, or to the end of the grace.
	next := min(now.wall+int64(auth.RenewRetry), grace)
	s.expires.Store(next)
	s.warned = next
	ctx := context.Background() // the hook's own deadline ends it
	s.h.o.Auth.Renew(ctx, current, func(identity auth.Identity, err error) {
		switch {
		case s.expires.Load() != next || errors.Is(err, auth.ErrHookUnavailable):
		case err != nil:
			s.stop(ending{reason: reasonToken, expired: true})
		default:
			s.take(identity, s.member)
		}
	})
	return true
}

// parseToken reads {"token":"…"} and nothing else. Its error contains no part of the body.
func parseToken(body []byte) (token string, err error) {
	if err := parseObject(body, "", []field{{name: "token", to: &token}}); err != nil ||
		token == "" {
		return "", invalid("token", `expected a JSON object {"token":"…"} and no other field`)
	}
	return token, nil
}
