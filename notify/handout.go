package notify

import (
	"math"
	"slices"
)

// Handout is a retained message for a member that has joined its room. The message has its own id,
// which may be far behind the member's cursor. The frame on the wire ends with ID, as a client
// resumes from there.
type Handout struct {
	Message *Message
	ID      ID // the member's cursor
}

// handout is what the Hub has handed out to a member and what it has still to. It has positions and
// no messages, so a member that does not read holds none, and gets the newest ones in the end. Only
// members that have joined a room with retained messages have one.
type handout struct {
	parts []part
	// given is the cursor of the last message handed out. All frames with a later id come after it
	// on the wire.
	given uint64
}

// part is the retained messages of a room at some positions of the log.
type part struct {
	room        string
	first, last int64
}

// everFrom is the first position: that of messages that were retained before the log began.
const everFrom = math.MinInt64

// owe lets the member get the retained messages of a room at positions from first to last, if there
// are any. The live messages, or the replay, bring it those after last.
func (h *Hub) owe(m *Member, room string, first, last int64) {
	if len(h.retained.rooms) == 0 || len(h.retained.between(room, first, last)) == 0 {
		return
	}
	o := h.handouts[m]
	if o == nil {
		o = &handout{}
		h.handouts[m] = o
	}
	if len(o.parts) == 0 && !m.lagging && m.pending == 0 && h.isAttached(m) {
		h.waking = append(h.waking, m)
	}
	o.parts = append(o.parts, part{room, first, last})
}

// isAttached reports whether Attach has added m: before that its transport does not wait for Wake.
func (h *Hub) isAttached(m *Member) bool {
	return h.members[memberKey{m.a.Namespace, m.a.ClientID}] == m
}

// owes reports whether there are retained messages for the member.
func (h *Hub) owes(m *Member) bool {
	if len(h.handouts) == 0 {
		return false
	}
	o := h.handouts[m]
	return o != nil && len(o.parts) > 0
}

// handOut fills buf from n on with retained messages. owes is true if there are others, which come
// before everything that follows in the order of the log. So they come before the live messages of
// their room, and before the replay.
func (h *Hub) handOut(m *Member, buf []Delivery, from int) (n int, bytes int64, owes bool) {
	n = from
	if !h.owes(m) {
		return n, 0, false
	}
	m.settle()
	o, now := h.handouts[m], h.o.Now()
	for len(o.parts) > 0 {
		p := &o.parts[0]
		for _, s := range h.retained.between(p.room, p.first, p.last) {
			if n == len(buf) || bytes >= pullBytes {
				return n, bytes, true
			}
			p.first = s.at + 1
			if s.msg.over(now) || m.excepted(s.msg) {
				continue
			}
			buf[n] = Delivery{Retained: &Handout{s.msg, m.cursor}}
			o.given = m.cursor.Seq
			bytes += s.msg.cost
			n++
		}
		o.parts = o.parts[1:]
	}
	o.parts = nil
	if len(m.sessions) == 0 { // no later member asks what this one got
		delete(h.handouts, m)
	}
	return n, bytes, false
}

// disown drops what the member would get of a room that it leaves.
func (h *Hub) disown(m *Member, room string) {
	if !h.owes(m) {
		return
	}
	o := h.handouts[m]
	o.parts = slices.DeleteFunc(o.parts, func(p part) bool { return p.room == room })
}

// keepHanded notes with the sessions of a member that detaches what it was handed out.
func (h *Hub) keepHanded(m *Member) {
	o := h.handouts[m]
	if o == nil {
		return
	}
	given := o.given
	if len(o.parts) > 0 {
		given = math.MaxUint64
	}
	for _, s := range m.sessions {
		h.handed[s] = given
	}
}

// continueRooms is for a member that has recovered a session: it is in the rooms of the session as
// before, and does not join them. It gets their retained messages again only if its cursor does not
// prove that it has them.
func (h *Hub) continueRooms(m *Member, sessions []string) {
	if !h.owes(m) || len(sessions) == 0 {
		return
	}
	s := h.sessions.byKey[sessions[0]]
	if s == nil {
		return
	}
	if given, any := h.handed[s]; any && m.cursor.Seq <= given {
		return
	}
	o := h.handouts[m]
	o.parts = slices.DeleteFunc(o.parts, func(p part) bool {
		return m.own(p.room) || slices.Contains(s.Channels, p.room) ||
			slices.Contains(s.Granted, p.room)
	})
}
