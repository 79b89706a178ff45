package api

import (
	"net/http"

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
}

// listConnections serves GET /v1/connections.
func (h *handler) listConnections(c *call) (any, error) {
	user, channel, transport := c.value("user"), c.value("channel"), c.value("transport")
	if err := h.permitList(c, user, channel); err != nil {
		return nil, err
	}
	found := map[string]*notify.Member{}
	var names []string
	for _, m := range h.members(user, channel) {
		if transport == "" || m.Transport() == transport {
			found[m.ClientID()] = m
			names = append(names, m.ClientID())
		}
	}
	names, next, err := page(c, names)
	if err != nil {
		return nil, err
	}
	reply := connectionsReply{Connections: make([]connectionView, 0, len(names)), Next: next}
	for _, name := range names {
		reply.Connections = append(reply.Connections, viewOf(found[name]))
	}
	return reply, nil
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

// member returns the connection that the path names, if the key covers it.
func (h *handler) member(c *call) (*notify.Member, error) {
	id := c.value("clientId")
	if err := c.key.permit("clientId", "client:"+id); err != nil {
		return nil, err
	}
	m := h.hub.Member("/", id)
	if m == nil {
		return nil, errNoConnection
	}
	return m, nil
}

// showConnection serves GET /v1/connections/{clientId}.
func (h *handler) showConnection(c *call) (any, error) {
	m, err := h.member(c)
	if err != nil {
		return nil, err
	}
	return viewOf(m), nil
}

type disconnectedReply struct {
	Disconnected int `json:"disconnected"`
}

// endConnection serves DELETE /v1/connections/{clientId}.
func (h *handler) endConnection(c *call) (any, error) {
	m, err := h.member(c)
	if err != nil {
		return nil, err
	}
	end(m)
	return disconnectedReply{1}, nil
}

// end closes a connection and voids its session, so that the client cannot resume it.
func end(m *notify.Member) {
	m.Void()
	m.Disconnect(disconnectReason)
}

type joinedReply struct {
	Joined int `json:"joined"`
}

type leftReply struct {
	Left int `json:"left"`
}

// joinConnection serves PUT /v1/connections/{clientId}/channels/{channel}.
func (h *handler) joinConnection(c *call) (any, error) {
	m, err := h.member(c)
	if err != nil {
		return nil, err
	}
	return h.join(c, []*notify.Member{m})
}

// leaveConnection serves DELETE /v1/connections/{clientId}/channels/{channel}.
func (h *handler) leaveConnection(c *call) (any, error) {
	m, err := h.member(c)
	if err != nil {
		return nil, err
	}
	return h.leave(c, []*notify.Member{m})
}

func (h *handler) join(c *call, members []*notify.Member) (any, error) {
	channel := c.value("channel")
	if err := c.key.permit("channel", "channel:"+channel); err != nil {
		return nil, err
	}
	if h.hub.IsClientID(channel) {
		// In Socket.IO the room with the id of a connection belongs to that connection.
		return nil, invalidField("channel",
			"got the id of a connection, expected the name of a channel")
	}
	for _, m := range members {
		m.Join(channel)
	}
	return joinedReply{len(members)}, nil
}

func (h *handler) leave(c *call, members []*notify.Member) (any, error) {
	channel := c.value("channel")
	if err := c.key.permit("channel", "channel:"+channel); err != nil {
		return nil, err
	}
	var reply leftReply
	for _, m := range members {
		if m.In(channel) {
			m.Leave(channel)
			reply.Left++
		}
	}
	return reply, nil
}
