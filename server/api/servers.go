package api

import "crypto/rand"

// Servers changes the clients of a user on other servers. Nodes also get the change by the Bus, which
// is faster and has answers. The name of a change, which is new each time, lets them make it once.
type Servers interface {
	JoinUser(change, userID, channel string)
	LeaveUser(change, userID, channel string)
	EndUser(change, userID string)
	// Made says that this node makes a change of another one, which it got by the Bus.
	Made(change string)
}

// tellServers makes a change of a user on servers that are no nodes, and on nodes that the Bus does not
// reach. It returns the name of the change. It comes before the question to the nodes: while that waits
// for one that is silent, clients of the user may connect to such a server again.
func (h *handler) tellServers(kind string, s selection) (change string) {
	if h.o.Servers == nil || s.User == "" {
		return ""
	}
	if h.o.Bus != nil {
		change = rand.Text()
	}
	switch kind {
	case kindJoin:
		h.o.Servers.JoinUser(change, s.User, s.Channel)
	case kindLeave:
		h.o.Servers.LeaveUser(change, s.User, s.Channel)
	case kindEnd:
		h.o.Servers.EndUser(change, s.User)
	}
	return change
}

// made returns the answer to the question for a change.
func (h *handler) made(own func(selection) effect) func(selection) effect {
	return func(s selection) effect {
		if h.o.Servers != nil && s.Change != "" {
			h.o.Servers.Made(s.Change)
		}
		return own(s)
	}
}
