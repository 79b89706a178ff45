package socketio

import (
	"encoding/json"
	"sync/atomic"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// refreshEvent asks for a longer life. It is answered here in every namespace and
// shown to no handler, because it carries a token.
const refreshEvent = "auth:refresh"

// renewal is what a client's new token changed.
type renewal struct {
	identity atomic.Pointer[auth.Identity] // nil: that of the CONNECT counts
	again    atomic.Bool                   // auth:expiring is to be sent before the new end too
}

type refreshedEvent struct {
	Type      string `json:"type"`
	ExpiresAt string `json:"expiresAt"`
}

// who is the identity of today.
func (p *peer) who() auth.Identity {
	if id := p.renewed.identity.Load(); id != nil {
		return *id
	}
	return p.identity
}

// refresh answers auth:refresh and reports whether the packet was one. One token
// renews the client in all its namespaces, since the end of any of them would
// close the transport of all. A token that is refused changes nothing.
func (p *peer) refresh(packet *packet, reply answer) bool {
	if packet.name != refreshEvent || p.link.srv.opts.Plain {
		return false
	}
	token, ok := refreshToken(packet)
	if !ok {
		p.refuseRefresh(errorEvent{Code: edge.CodeValidation, Message: `expected {"token": "…"}`}, reply)
		return true
	}
	identity, err := p.renew(token)
	if err != nil {
		refusal := refusalOf(err)
		p.refuseRefresh(errorEvent{
			Code: refusal.Data.Code, Message: refusal.Message, RetryAfter: float64(refusal.Data.RetryAfter),
		}, reply)
		return true
	}
	p.link.mu.Lock()
	peers := p.link.peersLocked()
	p.link.mu.Unlock()
	for _, other := range peers {
		if other.identity.RoomUser() == identity.RoomUser() {
			other.take(identity)
		}
	}
	event := refreshedEvent{"auth:refreshed", notify.Timestamp(identity.ExpiresAt)}
	p.link.send(p.eventReply(event.Type, event))
	reply(event)
	return true
}

func (p *peer) renew(token string) (auth.Identity, error) {
	session, opts := p.link.session, p.link.srv.opts
	return opts.Limits.Attempt(edge.ClientIP(session.Request()), func() (auth.Identity, error) {
		return opts.Auth.Refresh(session.Context(), p.who(), token)
	})
}

// take puts an identity into force. The rooms that it may not be in are left
// after that, so none is joined again by the old one.
func (p *peer) take(identity auth.Identity) {
	p.renewed.identity.Store(&identity)
	p.renewed.again.Store(true)
	if m := p.hubMember(); m != nil {
		p.link.srv.hub.LeaveForbidden(m, identity.MayJoin)
	}
}

func (p *peer) refuseRefresh(e errorEvent, reply answer) {
	p.link.send(p.eventReply("error", e))
	reply(errorReply{Error: e})
}

func refreshToken(p *packet) (token string, ok bool) {
	if len(p.args) != 1 || len(p.parts) > 0 {
		return "", false
	}
	var request struct {
		Token string `json:"token"`
	}
	err := json.Unmarshal(p.args[0], &request)
	return request.Token, err == nil && request.Token != ""
}
