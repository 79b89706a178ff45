package api

import (
	"github.com/roomcast/roomcast/rooms"
)

type channelView struct {
	Channel     string `json:"channel"`
	Connections int    `json:"connections"`
	Users       int    `json:"users"`
}

type channelsReply struct {
	Channels   []channelView `json:"channels"`
	Next       string        `json:"next,omitempty"`
	Incomplete []string      `json:"incomplete,omitempty"`
}

// listChannels serves GET /v1/channels.
func (h *handler) listChannels(c *call) (any, error) {
	if err := c.key.permitEverything(); err != nil {
		return nil, err
	}
	q, err := pageOf(c)
	if err != nil {
		return nil, err
	}
	name := func(v channelView) string { return v.Channel }
	page, silent := list(c.Context(), h, kindChannels, q, h.ownChannelsPage(q), name,
		func(to *channelView, other channelView) {
			to.Connections += other.Connections
			to.Users += other.Users
		})
	return channelsReply{page.Items, next(page, name), silent}, nil
}

// ownChannels answers another node.
func (h *handler) ownChannels(q listing) part[channelView] { return h.ownChannelsPage(q).fit() }

// ownChannelsPage reads the rooms of one member at a time, so that it holds the lock of the Hub for
// a short time only.
func (h *handler) ownChannelsPage(q listing) part[channelView] {
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
	names, more := cut(names, q)
	p := part[channelView]{make([]channelView, 0, len(names)), more}
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
		p.Items = append(p.Items, view)
	}
	return p
}
