package api

import (
	"net/http"
	"slices"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// disconnectReason is the reason that a client gets when a backend closes its connection.
const disconnectReason = "disconnected by the server"

var errNoConnection = &edge.Problem{Status: http.StatusNotFound, Code: edge.CodeNotFound,
	Field:  "clientId",
	Detail: "clientId: there is no connection with this id"}

type connectionsReply struct {
	Connections []connectionView `json:"connections"`
	Next        string           `json:"next,omitempty"`
	Incomplete  []string         `json:"incomplete,omitempty"`
}

// listConnections serves GET /v1/connections.
func (h *handler) listConnections(c *call) (any, error) {
	user, channel := c.value("user"), c.value("channel")
	if err := h.permitList(c, user, channel); err != nil {
		return nil, err
	}
	q, err := pageOf(c)
	if err != nil {
		return nil, err
	}
	q.User, q.Channel, q.Transport = user, channel, c.value("transport")
	return h.connections(c, q), nil
}

// connections returns a page of all nodes.
func (h *handler) connections(c *call, q listing) connectionsReply {
	page, silent := list(c.Context(), h, kindConnections, q, h.ownConnectionsPage(q),
		nameOfConnection, func(*connectionView, connectionView) {}) // it moves to another node
	return connectionsReply{page.Items, next(page, nameOfConnection), silent}
}

func nameOfConnection(v connectionView) string { return v.ClientID }

// ownConnections answers another node.
func (h *handler) ownConnections(q listing) part[connectionView] {
	return h.ownConnectionsPage(q).fit()
}

func (h *handler) ownConnectionsPage(q listing) part[connectionView] {
	found := map[string]*notify.Member{}
	var names []string
	for _, m := range h.members(q.User, q.Channel) {
		if q.Transport == "" || m.Transport() == q.Transport {
			found[m.ClientID()] = m
			names = append(names, m.ClientID())
		}
	}
	names, more := cut(names, q)
	p := part[connectionView]{make([]connectionView, 0, len(names)), more}
	for _, name := range names {
		p.Items = append(p.Items, viewOf(found[name]))
	}
	return p
}

// permitList checks the key of a request that lists connections. A key that may send to the user or
// the channel by which the list is filtered may read the list.
func (h *handler) permitList(c *call, user, channel string) error {
	switch {
	case channel != "" && c.key.scope.Allows("channel:"+channel):
		return nil
	case user != "":
		return c.key.permit("user", "user:"+user)
	case channel != "":
		return c.key.permit("channel", "channel:"+channel)
	}
	return c.key.permitEverything()
}

// members returns the connections of the namespace "/". A user or a channel that is not "" filters
// them.
func (h *handler) members(user, channel string) []*notify.Member {
	var all []*notify.Member
	switch {
	case channel != "":
		all = h.hub.Match([]string{channel}, nil)
	case user != "":
		return h.hub.Match([]string{rooms.User(user)}, nil)
	default:
		return h.hub.Match([]string{rooms.All}, nil)
	}
	if user == "" {
		return all
	}
	var matching []*notify.Member
	for _, m := range all {
		if m.UserID() == user {
			matching = append(matching, m)
		}
	}
	return matching
}

// one returns the connection that the path names, if the key covers it.
func (h *handler) one(c *call) (selection, error) {
	id := c.value("clientId")
	return selection{ClientID: id}, c.key.permit("clientId", "client:"+id)
}

// showConnection serves GET /v1/connections/{clientId}.
func (h *handler) showConnection(c *call) (any, error) {
	s, err := h.one(c)
	if err != nil {
		return nil, err
	}
	if own := h.ownConnection(s); own != nil {
		return own, nil
	}
	others, silent := ask[*connectionView](c.Context(), h, kindConnection, s)
	for _, other := range others {
		if other != nil {
			return other, nil
		}
	}
	if len(silent) > 0 {
		return nil, errNodeSilent
	}
	return nil, errNoConnection
}

// ownConnection returns a connection of this node, or nil.
func (h *handler) ownConnection(s selection) *connectionView {
	m := h.hub.Member("/", s.ClientID)
	if m == nil {
		return nil
	}
	view := viewOf(m)
	return &view
}

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

// endOwn closes connections of this node, for a user those of every namespace.
func (h *handler) endOwn(s selection) (e effect) {
	members := h.selected(s)
	if s.User != "" {
		members = slices.DeleteFunc(h.hub.Members(), func(m *notify.Member) bool {
			return m.UserID() != s.User
		})
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
			m.Leave(s.Channel)
			e.Changed++
		}
	}
	return e
}
