package api

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// page sorts names and returns the ones after the cursor of the request, at most limit. next is the
// cursor of the next page, or "" on the last one. A caller that reads all pages sees each name once
// if it is in the list all the time.
func page(c *call, names []string) (cut []string, next string, err error) {
	after := ""
	if text := c.value("cursor"); text != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(decoded) == 0 {
			return nil, "", invalidField("cursor",
				"got "+quoteShort(text)+", expected the value of next in the previous page")
		}
		after = string(decoded)
	}
	slices.Sort(names)
	from, found := slices.BinarySearch(names, after)
	if found {
		from++
	}
	names = names[from:]
	if limit := c.number("limit", defaultPage); len(names) > limit {
		names = names[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(names[limit-1]))
	}
	return names, next, nil
}

type userView struct {
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	Connections int    `json:"connections"`
}

type usersReply struct {
	Users []userView `json:"users"`
	Next  string     `json:"next,omitempty"`
}

// listUsers serves GET /v1/users. The server knows online users only.
func (h *handler) listUsers(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
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
	names, next, err := page(c, names)
	if err != nil {
		return nil, err
	}
	reply := usersReply{Users: make([]userView, 0, len(names)), Next: next}
	for _, name := range names {
		reply.Users = append(reply.Users, *users[name])
	}
	return reply, nil
}

type userReply struct {
	UserID      string           `json:"userId"`
	Online      bool             `json:"online"`
	Connections []connectionView `json:"connections"`
}

// user returns the user that the path names and its connections, if the key covers it.
func (h *handler) user(c *call) (id string, members []*notify.Member, err error) {
	id = c.value("userId")
	if err := c.key.permit("userId", "user:"+id); err != nil {
		return "", nil, err
	}
	return id, h.members(id, ""), nil
}

// showUser serves GET /v1/users/{userId}.
func (h *handler) showUser(c *call) (any, error) {
	id, members, err := h.user(c)
	if err != nil {
		return nil, err
	}
	reply := userReply{
		UserID: id, Online: len(members) > 0, Connections: make([]connectionView, 0, len(members)),
	}
	for _, m := range members {
		reply.Connections = append(reply.Connections, viewOf(m))
	}
	slices.SortFunc(reply.Connections, func(x, y connectionView) int {
		return strings.Compare(x.ClientID, y.ClientID)
	})
	return reply, nil
}

// endUser serves DELETE /v1/users/{userId}/connections. It closes the connections of every
// namespace and revokes the tickets with which the user could connect again. If their store cannot
// forget them, the connections are closed all the same.
func (h *handler) endUser(c *call) (any, error) {
	id, _, err := h.user(c)
	if err != nil {
		return nil, err
	}
	failed := h.hub.VoidUser(c.Context(), id, h.hub.Head())
	if h.o.Tickets != nil {
		_, err := h.o.Tickets.Revoke(id)
		failed = errors.Join(failed, err)
	}
	var reply disconnectedReply
	for _, m := range h.hub.Members() {
		if m.UserID() == id {
			end(m)
			reply.Disconnected++
		}
	}
	return reply, failed // with an error the backend tries again
}

// joinUser serves PUT /v1/users/{userId}/channels/{channel}.
func (h *handler) joinUser(c *call) (any, error) {
	_, members, err := h.user(c)
	if err != nil {
		return nil, err
	}
	return h.join(c, members)
}

// leaveUser serves DELETE /v1/users/{userId}/channels/{channel}.
func (h *handler) leaveUser(c *call) (any, error) {
	_, members, err := h.user(c)
	if err != nil {
		return nil, err
	}
	return h.leave(c, members)
}

type channelView struct {
	Channel     string `json:"channel"`
	Connections int    `json:"connections"`
	Users       int    `json:"users"`
}

type channelsReply struct {
	Channels []channelView `json:"channels"`
	Next     string        `json:"next,omitempty"`
}

// listChannels serves GET /v1/channels. It reads the rooms of one member at a time, so that it
// holds the lock of the Hub for a short time only.
func (h *handler) listChannels(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, m := range h.members("", "") {
		for _, room := range m.Rooms() {
			if namespace, name := rooms.Split(room); namespace == "/" && rooms.IsChannel(name) {
				counts[name]++
			}
		}
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	names, next, err := page(c, names)
	if err != nil {
		return nil, err
	}
	reply := channelsReply{Channels: make([]channelView, 0, len(names)), Next: next}
	for _, name := range names {
		view := channelView{Channel: name}
		users := map[string]bool{}
		for _, m := range h.hub.Match([]string{rooms.In("/", name)}, nil) {
			view.Connections++
			if id := m.UserID(); id != "" {
				users[id] = true
			}
		}
		view.Users = len(users)
		reply.Channels = append(reply.Channels, view)
	}
	return reply, nil
}

// statsView has the counts of this node and the authentication mode, which the console needs before
// it can connect.
type statsView struct {
	notify.Stats
	AuthMode auth.Mode `json:"authMode"`
}

// stats serves GET /v1/stats.
func (h *handler) stats(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
	return statsView{h.hub.Stats(), h.o.Mode}, nil
}
