package socketio

import (
	"encoding/json"
	"slices"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// refreshEvent carries a new token. The server answers it in every namespace, and handlers do not
// see it, because a token is a secret.
const refreshEvent = "auth:refresh"

type refreshedEvent struct {
	Type      string `json:"type"`
	ExpiresAt string `json:"expiresAt"`
}

// refresh answers auth:refresh and reports whether the event was one. One token renews the client
// in all its namespaces, because the end of a token in one of them closes the transport of all. A
// refused token changes nothing.
func (c *Conn) refresh(e *Event) bool {
	if e.Name != refreshEvent || c.client.srv.opts.Plain || c.guarded {
		return false
	}
	token, ok := refreshToken(e)
	if !ok {
		c.refuseRefresh(e, errorEvent{
			Code: edge.CodeValidation, Message: `expected {"token": "…"}`,
		})
		return true
	}
	identity, err := c.renew(token)
	if err != nil {
		refusal := refusalOf(err)
		c.client.srv.log.Debug("token refused", zap.String("client", c.ID()),
			zap.String("code", refusal.Data.Code), claimField(err))
		c.refuseRefresh(e, errorEvent{
			Code: refusal.Data.Code, Message: refusal.Message,
			RetryAfter: float64(refusal.Data.RetryAfter),
		})
		return true
	}
	c.renewAll(identity, token)
	event := refreshedEvent{"auth:refreshed", notify.Timestamp(identity.ExpiresAt)}
	c.client.send(c.eventReply(event.Type, event))
	e.Ack(event)
	return true
}

// renewAll gives the identity of a new token to the client in all namespaces where it has the same
// user. In hook mode each namespace has an answer of its own.
func (c *Conn) renewAll(identity auth.Identity, token string) {
	byHook := c.client.srv.AuthMode() == auth.ModeHook
	for _, other := range c.client.all() {
		if old := other.Identity(); other.guarded || old.RoomUser() != identity.RoomUser() {
			continue
		}
		own := identity
		if byHook && other != c {
			var err error
			if own, err = other.renew(token); err != nil {
				continue // it has its own end
			}
		}
		other.take(own)
	}
}

func (c *Conn) renew(token string) (auth.Identity, error) {
	opts := c.client.srv.opts
	return opts.Limits.Attempt(c.client.admission.ip, func() (auth.Identity, error) {
		return opts.Auth.Refresh(c.Context(), c.Identity(), token)
	})
}

// take replaces the identity. It joins the rooms that a connect hook names, and leaves those that it
// names no longer, and the rooms that the new identity may not join afterwards, so
// that a concurrent event cannot join them again with the old identity.
func (c *Conn) take(identity auth.Identity) {
	old := c.identity.Swap(&identity)
	c.renewed.Store(true)
	if left := without(old.Rooms, identity.Rooms); len(left) > 0 {
		c.Leave(left...)
	}
	if len(identity.Rooms) > 0 {
		c.Join(identity.Rooms...)
	}
	c.client.srv.hub.LeaveForbidden(c.member, identity.MayJoin)
}

// without returns the names that are not in others.
func without(names, others []string) (left []string) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			left = append(left, name)
		}
	}
	return left
}

func (c *Conn) refuseRefresh(e *Event, refusal errorEvent) {
	c.client.send(c.eventReply("error", refusal))
	e.Ack(errorReply{Error: refusal})
}

func refreshToken(e *Event) (token string, ok bool) {
	if e.Len() != 1 || len(e.parts) > 0 {
		return "", false
	}
	var request struct {
		Token string `json:"token"`
	}
	err := json.Unmarshal(e.raw[0], &request)
	return request.Token, err == nil && request.Token != ""
}
