package api

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"github.com/roomcast/roomcast/server/edge"
)

// createTicket is the ID of the route for tickets.
const createTicket = "createTicket"

// audit notes what a key has changed, and what was refused. Publishes and tickets are not noted,
// because there are thousands a second: the log has publishes at level debug.
func (h *handler) audit(rt *route, c *call, reply any, err error) {
	changes := rt.Method != http.MethodGet && !rt.Publishes && rt.ID != createTicket
	if h.o.Audit == nil || !changes && !c.isRefused(err) {
		return
	}
	h.o.Audit.Note(c.Request, edge.Action{Name: rt.ID, Actor: "api", Key: c.keyName(),
		Target: c.targets(), Count: countOf(reply), Err: err})
}

// isRefused reports whether a request was refused because of its key. A key above its rate was not.
func (c *call) isRefused(err error) bool {
	return edge.IsRefusal(err) &&
		(c.key == nil || edge.ProblemOf(err).Status != http.StatusTooManyRequests)
}

// keyName names the key of a request, also a wrong one: an operator sees by it who still uses a key
// that was replaced.
func (c *call) keyName() string {
	if c.key != nil {
		return c.key.name()
	}
	if key := requestKey(c.Request); key != "" {
		return (&apiKey{digest: sha256.Sum256([]byte(key))}).name()
	}
	return ""
}

// targets returns what a request is about: "user:u1 channel:orders".
func (c *call) targets() string {
	var all []string
	for _, of := range []struct{ prefix, param string }{
		{"user:", "userId"}, {"client:", "clientId"}, {"channel:", "channel"}, {"type:", "type"},
	} {
		if value := c.value(of.param); value != "" {
			all = append(all, of.prefix+value)
		}
	}
	if c.target != "" {
		all = append(all, c.target)
	}
	return strings.Join(all, " ")
}

// countOf returns how many connections or notifications a request has changed, or -1.
func countOf(reply any) int {
	switch reply := reply.(type) {
	case disconnectedReply:
		return reply.Disconnected
	case joinedReply:
		return reply.Joined
	case leftReply:
		return reply.Left
	case deletedReply:
		return reply.Deleted
	}
	return -1
}
