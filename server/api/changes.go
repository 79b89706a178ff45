package api

import (
	"github.com/roomcast/roomcast/notify"
)

// disconnectReason is the reason that a client gets when a backend closes its connection.
const disconnectReason = "disconnected by the server"

type disconnectedReply struct {
	Disconnected int      `json:"disconnected"`
	Incomplete   []string `json:"incomplete,omitempty"`
}

// endConnection serves DELETE /v1/connections/{clientId}.
func (h *handler) endConnection(c *call) (any, error) {
	s, err := h.one(c)
	if err != nil {
		return nil, err
	}
	sum, silent, err := h.change(c.Context(), kindEnd, s, h.endOwn)
	if err != nil {
		return nil, err
	}
	return disconnectedReply{sum.Found, silent}, nil
}

// selected returns the connections of this node. Those of a user are in "/".
func (h *handler) selected(s selection) []*notify.Member {
	switch {
	case s.User != "":
		return h.members(s.User, "")
	case s.ClientID != "":
		if m := h.hub.Member("/", s.ClientID); m != nil {
			return []*notify.Member{m}
		}
	}
	return nil
}

// endOwn closes connections of this node, for a user those of every namespace. It also ends the
// sessions of the user's connections that are lost, so that no client of the user can resume.
func (h *handler) endOwn(s selection) (e effect) {
	members := h.selected(s)
	if s.User != "" {
		members = h.hub.EndSessions(s.User)
	}
	for _, m := range members {
		end(m)
	}
	return effect{len(members), len(members)}
}

// end closes a connection and voids its session, so that the client cannot resume it.
func end(m *notify.Member) {
	m.Void()
	m.Disconnect(disconnectReason)
}

type joinedReply struct {
	Joined     int      `json:"joined"`
	Incomplete []string `json:"incomplete,omitempty"`
}

type leftReply struct {
	Left       int      `json:"left"`
	Incomplete []string `json:"incomplete,omitempty"`
}

// joinConnection serves PUT /v1/connections/{clientId}/channels/{channel}.
func (h *handler) joinConnection(c *call) (any, error) {
	s, err := h.one(c)
	if err != nil {
		return nil, err
	}
	return h.join(c, s)
}

// leaveConnection serves DELETE /v1/connections/{clientId}/channels/{channel}.
func (h *handler) leaveConnection(c *call) (any, error) {
	s, err := h.one(c)
	if err != nil {
		return nil, err
	}
	return h.leave(c, s)
}

func (h *handler) join(c *call, s selection) (any, error) {
	s.Channel = c.value("channel")
	if err := c.key.permit("channel", "channel:"+s.Channel); err != nil {
		return nil, err
	}
	if h.hub.IsClientID(s.Channel) {
		// In Socket.IO the room with the id of a connection belongs to that connection.
		return nil, invalidField("channel",
			"got the id of a connection, expected the name of a channel")
	}
	sum, silent, err := h.change(c.Context(), kindJoin, s, h.joinOwn)
	if err != nil {
		return nil, err
	}
	return joinedReply{sum.Found, silent}, nil
}

func (h *handler) joinOwn(s selection) (e effect) {
	for _, m := range h.selected(s) {
		m.Join(s.Channel)
		e.Found++
	}
	return e
}

func (h *handler) leave(c *call, s selection) (any, error) {
	s.Channel = c.value("channel")
	if err := c.key.permit("channel", "channel:"+s.Channel); err != nil {
		return nil, err
	}
	sum, silent, err := h.change(c.Context(), kindLeave, s, h.leaveOwn)
	if err != nil {
		return nil, err
	}
	return leftReply{sum.Changed, silent}, nil
}

func (h *handler) leaveOwn(s selection) (e effect) {
	for _, m := range h.selected(s) {
		e.Found++
		if m.In(s.Channel) {
			m.Leave(append(h.hub.PlacesIn(notify.RootNamespace, s.Channel), s.Channel)...)
			e.Changed++
		}
	}
	return e
}
