package notify

import "github.com/roomcast/roomcast/rooms"

// Relay carries volatile messages between the nodes of a cluster, each at most once, and in no order
// with those of the log.
type Relay interface {
	// Send sends a message to the other nodes. It does not wait: it drops what it cannot send soon.
	Send(m *Message)

	// Receive sets what delivers the messages of other nodes. They have no ID, and none is one of Send
	// of this node. New calls it once.
	Receive(deliver func(*Message))
}

// publishVolatile delivers a volatile message to the members of this node, and then sends it to the
// other nodes.
func (h *Hub) publishVolatile(m *Message) {
	h.prepare(m)
	h.local(m)
	h.published.Add(1)
	if h.isRelayed(m) && !isForOne(m) {
		h.o.Relay.Send(m)
	}
}

// isRelayed reports whether the other nodes get a volatile message.
func (h *Hub) isRelayed(m *Message) bool { return h.o.Relay != nil && !m.Local }

// isForOne reports whether a message that is delivered was for one client, which is on this node.
func isForOne(m *Message) bool {
	if len(m.Rooms) != 1 || m.matched.Delivered == 0 {
		return false
	}
	_, name := rooms.Split(m.Rooms[0])
	_, isClient := rooms.IsClient(name)
	return isClient
}

// relayed delivers a message of another node. It is not sent again.
func (h *Hub) relayed(m *Message) {
	if m.Volatile && !h.closed.Load() {
		h.traceArrival(m)
		h.local(m)
	}
}
