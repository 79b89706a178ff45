package notify

import (
	"math"
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// fanOutStep is the number of members that a publish handles before it releases the lock for other
// calls: 0.2 to 0.4 ms.
const fanOutStep = 2048

// fewer is the part of an audience for which a member is woken again: a member that waits for its
// transport with a message for thousands should not wait as long with a message for few.
const fewer = 16

// largest is an audience of which every other one is a small part.
const largest = math.MaxUint32

// fan is the publish, or the Match, that runs. There is one at a time.
type fan struct {
	msg    *Message // nil: none
	before ID       // the head before it
	woken  *wakeList
	left   int // members until the lock is released
	got    Receipt
	users  bool // count users one by one
	// audience is the number of members of its rooms, those in several counted for each.
	audience uint32

	match bool // it is a Match: msg has only rooms
	found []*Member
}

// fanOut puts m once into the inbox of every member of its rooms, except members of excepted rooms,
// and counts the members. It is the hot path of the product: one map lookup for each room, and no
// allocation except the first inbox of a member.
//
// A large fan-out releases the lock every fanOutStep members. It still happens at one moment for
// all others, its start, because every call that reads or changes a member delivers m to it first,
// see reach. So until the fan-out gets to a member, that one has the rooms and the position of the
// start. Each member of the start is found once:
//   - The loop goes down. Leave moves the last member of a room to the free place. While the place
//     is one that the loop has still to visit, the moved member is either also still to visit, or
//     it has the stamp already. So none moves out of the loop's way, and none gets m twice.
//   - A member that joins a room, or is new, has the stamp before that. The loop passes over it.
func (h *Hub) fanOut(m *Message, before ID, woken *wakeList) {
	h.stamp++
	// With all of "/" the users are counted already.
	everyone := len(m.Rooms) == 1 && len(m.Except) == 0 && m.Rooms[0] == rooms.All
	h.fan = fan{msg: m, before: before, woken: woken, left: h.step, users: !everyone}
	if everyone {
		h.fan.got.Users = h.online
	}
	targets := h.targets[:0]
	for _, name := range m.Rooms {
		if r := h.index.table.Room(name); r != nil && r.Len() > 0 {
			targets = append(targets, r)
			h.fan.audience += uint32(r.Len())
			if isChannel(name) {
				h.fan.got.Channels++
			}
		} else if m.absent != nil {
			m.absent.rooms = append(m.absent.rooms, name)
		}
	}
	h.stampExcepted(m.Except, h.pause)
	for _, r := range targets {
		h.fanOutRoom(r, len(m.Rooms) == 1 && len(m.Except) == 0 && r.Len() < h.step)
	}
	clear(targets) // the scratch memory must not keep rooms alive
	h.targets = targets
	h.counters.delivered += uint64(h.fan.got.Delivered)
	m.matched = h.fan.got
	m.counted.Store(true)
	h.fan = fan{}
}

// fanOutRoom delivers to the members of one room. once says that no member comes twice and that the
// lock is not released, so that no stamps are needed.
func (h *Hub) fanOutRoom(r *room, once bool) {
	for i := r.Len() - 1; i >= 0; i-- {
		member := r.At(i)
		if once || member.stamp != h.stamp {
			h.give(member)
		}
		if h.pause() {
			i = min(i, r.Len())
		}
	}
}

// give delivers the running publish to one of its members, or adds it to those of a Match.
func (h *Hub) give(m *Member) {
	f := &h.fan
	m.stamp = h.stamp
	if f.match {
		f.found = append(f.found, m)
		return
	}
	f.got.Delivered++
	if u := m.user; f.users && u != nil && u.stamp != h.stamp {
		u.stamp = h.stamp
		f.got.Users++
	}
	if m.put(f.msg, f.before, f.audience) {
		f.woken.add(m, f.audience)
	}
}

// pause releases the lock once in Hub.step calls, and reports whether it did.
func (h *Hub) pause() bool {
	if h.fan.left--; h.fan.left > 0 {
		return false
	}
	h.fan.left = h.step
	h.mu.Unlock()
	if h.between != nil {
		h.between()
	}
	h.mu.Lock()
	return true
}

// reach delivers the running publish to m before anything else happens to m. Every call that reads
// the position of a member, or changes its rooms, calls it first, with the lock held.
func (h *Hub) reach(m *Member) {
	if h.fan.msg == nil || m.stamp == h.stamp {
		return
	}
	if slices.ContainsFunc(h.fan.msg.Rooms, m.in) && !m.excepted(h.fan.msg) {
		h.give(m)
	}
	m.stamp = h.stamp // also if it is not for m, which may join a room now
}

// lock takes the Hub's lock for a call about m.
func (m *Member) lock() {
	m.h.mu.Lock()
	m.h.reach(m)
}

// stampExcepted stamps the members of the excepted rooms, as if they had the message already. It
// calls pause after each.
func (h *Hub) stampExcepted(except []string, pause func() bool) {
	for _, name := range except {
		r := h.index.table.Room(name)
		if r == nil {
			continue
		}
		for i := r.Len() - 1; i >= 0; i-- {
			r.At(i).stamp = h.stamp
			if pause() {
				i = min(i, r.Len())
			}
		}
	}
}

// put puts msg into the inbox and reports whether the caller must wake the member. If the inbox is
// full, put drops it, and the member lags: it reads from the index at its cursor. A volatile
// message that does not fit is dropped instead.
func (m *Member) put(msg *Message, head ID, audience uint32) (wake bool) {
	switch {
	case m.lagging:
		if msg.Volatile {
			m.h.counters.dropped++
		}
		return false
	case m.pending == 0:
		m.cursor = head // the member had everything before msg
		if m.inbox == nil {
			m.inbox = new([inboxSize]*Message)
		}
	case m.pending == inboxSize, int64(m.bytes)+msg.cost > inboxBytes:
		if msg.Volatile {
			m.h.counters.dropped++
		} else {
			m.lag()
		}
		return false
	}
	m.inbox[(m.first+m.pending)%inboxSize] = msg
	m.pending++
	m.bytes += uint32(msg.cost)
	if m.pending > 1 && audience >= m.audience/fewer {
		return false
	}
	m.audience = audience
	return true
}

// take removes the oldest message from an inbox that is not empty.
func (m *Member) take() *Message {
	msg := m.inbox[m.first]
	m.inbox[m.first] = nil
	m.first = (m.first + 1) % inboxSize
	m.pending--
	m.bytes -= uint32(msg.cost)
	return msg
}

// lag drops the inbox. The index has its messages, except the volatile ones, which are lost.
func (m *Member) lag() {
	for m.pending > 0 {
		if m.take().Volatile {
			m.h.counters.dropped++
		}
	}
	m.inbox, m.first = nil, 0
	m.lagging = true
	m.h.lagging++
	m.h.counters.lagged++
}

// lose marks messages as lost, see Loss. Every member lags: it reads from the index and gets a gap
// there, if it has one.
func (h *Hub) lose(head ID, woken *wakeList) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	renewed := head.Epoch != h.head.Epoch
	if h.head.Epoch != 0 && renewed {
		h.retained.rebase()
	}
	for _, m := range h.members {
		h.letLag(m, woken)
		if renewed {
			m.epochLost()
		}
	}
	switch {
	case renewed:
		h.forks = nil
		h.index.forget(head.Seq)
	case head.Seq < h.head.Seq:
		h.goBack(head)
	default:
		h.index.forget(head.Seq)
	}
	h.moveHead(head)
}

// letLag lets a member read the index from its cursor on.
func (h *Hub) letLag(m *Member, woken *wakeList) {
	if m.lagging {
		return
	}
	if m.pending == 0 {
		m.cursor = h.head
		woken.add(m, uint32(len(h.members)))
	}
	m.lag()
}
