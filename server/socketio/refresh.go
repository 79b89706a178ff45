package socketio

import (
	"encoding/json"

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
	if e.Name != refreshEvent || c.client.srv.opts.Plain {
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
	for _, other := range c.client.all() {
		if old := other.Identity(); old.RoomUser() == identity.RoomUser() {
			other.take(identity)
		}
	}
	event := refreshedEvent{"auth:refreshed", notify.Timestamp(identity.ExpiresAt)}
	c.client.send(c.eventReply(event.Type, event))
	e.Ack(event)
	return true
}

func (c *Conn) renew(token string) (auth.Identity, error) {
	opts := c.client.srv.opts
	return opts.Limits.Attempt(c.client.admission.ip, func() (auth.Identity, error) {
		return opts.Auth.Refresh(c.Context(), c.Identity(), token)
	})
}

// take replaces the identity. It leaves the rooms that the new identity may not join afterwards, so
// that a concurrent event cannot join them again with the old identity.
func (c *Conn) take(identity auth.Identity) {
	c.identity.Store(&identity)
	c.renewed.Store(true)
	c.client.srv.hub.LeaveForbidden(c.member, identity.MayJoin)
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
