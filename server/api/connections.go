package api

import (
	"net/http"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

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
