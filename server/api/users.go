package api

import (
	"encoding/base64"
	"errors"
	"math"
	"slices"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// pageOf returns the page that a request asks for.
func pageOf(c *call) (q listing, err error) {
	q.Limit = c.number("limit", defaultPage)
	if text := c.value("cursor"); text != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(decoded) == 0 {
			return q, invalidField("cursor",
				"got "+quoteShort(text)+", expected the value of next in the previous page")
		}
		q.After = string(decoded)
	}
	return q, nil
}

// cut sorts names and returns those of a page. A caller that reads all pages sees each name once if
// it is in the list all the time.
func cut(names []string, q listing) (cut []string, more bool) {
	slices.Sort(names)
	from, found := slices.BinarySearch(names, q.After)
	if found {
		from++
	}
	names = names[from:]
	if limit := max(q.Limit, 0); len(names) > limit { // another node may have sent anything
		return names[:limit], true
	}
	return names, false
}

// next returns the cursor of the page after p, or "" when p is the last one.
func next[T any](p part[T], name func(T) string) string {
	if !p.More || len(p.Items) == 0 {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(name(p.Items[len(p.Items)-1])))
}

type userView struct {
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	Connections int    `json:"connections"`
}

type usersReply struct {
	Users      []userView `json:"users"`
	Next       string     `json:"next,omitempty"`
	Incomplete []string   `json:"incomplete,omitempty"`
}

// listUsers serves GET /v1/users. The server knows online users only.
func (h *handler) listUsers(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
	q, err := pageOf(c)
	if err != nil {
		return nil, err
	}
	name := func(v userView) string { return v.UserID }
	page, silent := list(c.Context(), h, kindUsers, q, h.ownUsersPage(q), name,
		func(to *userView, other userView) { to.Connections += other.Connections })
	return usersReply{page.Items, next(page, name), silent}, nil
}

// ownUsers answers another node.
func (h *handler) ownUsers(q listing) part[userView] { return h.ownUsersPage(q).fit() }

func (h *handler) ownUsersPage(q listing) part[userView] {
	users := map[string]*userView{}
	var names []string
	for _, m := range h.members("", "") {
		id := m.UserID()
		if id == "" {
			continue
		}
		if users[id] == nil {
			users[id] = &userView{UserID: id, Username: m.Username()}
			names = append(names, id)
		}
		users[id].Connections++
	}
	names, more := cut(names, q)
	p := part[userView]{make([]userView, 0, len(names)), more}
	for _, name := range names {
		p.Items = append(p.Items, *users[name])
	}
	return p
}

type userReply struct {
	UserID      string           `json:"userId"`
	Online      bool             `json:"online"`
	Connections []connectionView `json:"connections"`
	Incomplete  []string         `json:"incomplete,omitempty"`
}

// user returns the user that the path names, if the key covers it.
func (h *handler) user(c *call) (selection, error) {
	id := c.value("userId")
	return selection{User: id}, c.key.permit("userId", "user:"+id)
}

// showUser serves GET /v1/users/{userId}.
func (h *handler) showUser(c *call) (any, error) {
	s, err := h.user(c)
	if err != nil {
		return nil, err
	}
	q := listing{User: s.User, Limit: math.MaxInt}
	reply := userReply{UserID: s.User, Connections: []connectionView{}}
	for {
		page := h.connections(c, q)
		reply.Connections = append(reply.Connections, page.Connections...)
		reply.Incomplete = append(reply.Incomplete, page.Incomplete...)
		if page.Next == "" {
			break
		}
		q.After = page.Connections[len(page.Connections)-1].ClientID
	}
	slices.Sort(reply.Incomplete)
	reply.Incomplete = slices.Compact(reply.Incomplete)
	// What nodes share of their users is known also while one does not answer.
	reply.Online = len(reply.Connections) > 0 || len(reply.Incomplete) > 0 && h.hub.UserOnline(s.User)
	return reply, nil
}

// endUser serves DELETE /v1/users/{userId}/connections. It closes the connections of every
// namespace and revokes the tickets with which the user could connect again. If their store cannot
// forget them, the connections are closed all the same.
func (h *handler) endUser(c *call) (any, error) {
	s, err := h.user(c)
	if err != nil {
		return nil, err
	}
	failed := h.hub.VoidUser(c.Context(), s.User)
	if h.o.Tickets != nil {
		_, err := h.o.Tickets.Revoke(s.User)
		failed = errors.Join(failed, err)
	}
	sum, silent, err := h.change(c.Context(), kindEnd, s, h.endOwn)
	// With an error the backend tries again.
	return disconnectedReply{sum.Found, silent}, errors.Join(failed, err)
}

// joinUser serves PUT /v1/users/{userId}/channels/{channel}.
func (h *handler) joinUser(c *call) (any, error) {
	s, err := h.user(c)
	if err != nil {
		return nil, err
	}
	return h.join(c, s)
}

// leaveUser serves DELETE /v1/users/{userId}/channels/{channel}.
func (h *handler) leaveUser(c *call) (any, error) {
	s, err := h.user(c)
	if err != nil {
		return nil, err
	}
	return h.leave(c, s)
}
