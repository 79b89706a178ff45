package notify

import (
	"sync"

	"github.com/roomcast/roomcast/rooms"
)

// follow indexes the next messages of the log and gives them to the members, each under a lock of its own, so that
// a batch holds up the others no longer than one message. The function it returns wakes those that had nothing
// pending.
func (h *Hub) follow(messages []*Message) (after func()) {
	woken := h.wakes.Get().(*wakeList)
	for _, m := range messages {
		m.cost = cost(m) // not under the lock: it reads all of m
		h.next(m, woken)
	}
	return woken.wake
}

func (h *Hub) next(m *Message, woken *wakeList) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.ID.Epoch != h.head.Epoch || m.ID.Seq != h.head.Seq+1 {
		h.lose(m.ID, woken)
	}
	now := h.o.Now()
	h.index.trim(now, publishStep)
	h.index.add(m, now)
	h.fanOut(m, woken)
	h.head = m.ID
	h.index.trim(now, 0) // the bytes hold at once
}

// local gives a volatile message to the members that keep up. It takes the place of the head in the order.
func (h *Hub) local(m *Message) {
	woken := h.wakes.Get().(*wakeList)
	m.cost = cost(m)
	h.mu.Lock()
	m.ID = h.head
	h.fanOut(m, woken)
	h.mu.Unlock()
	woken.wake()
}

// fanOut puts m into the inbox of every member of its rooms, once, but for those of the excepted rooms, and
// counts them. It is the hot path of the product: no map but for the name of a room, no allocation but for the
// first inbox of a member.
func (h *Hub) fanOut(m *Message, woken *wakeList) {
	var got Receipt
	h.stamp++
	h.excuse(m.Except)
	// One room and no exception: nobody can be met twice. All of "/": the users are counted already.
	once := len(m.Rooms) == 1 && len(m.Except) == 0
	everyone := once && m.Rooms[0] == rooms.All
	for _, name := range m.Rooms {
		r := h.index.table.Room(name)
		if r == nil || r.Len() == 0 {
			continue
		}
		if isChannel(name) {
			got.Channels++
		}
		for i := range r.Len() {
			member := r.At(i)
			if !once {
				if member.stamp == h.stamp {
					continue
				}
				member.stamp = h.stamp
			}
			got.Delivered++
			if u := member.user; !everyone && u != nil && u.stamp != h.stamp {
				u.stamp = h.stamp
				got.Users++
			}
			if member.put(m, h.head) {
				woken.members = append(woken.members, member)
			}
		}
	}
	if everyone {
		got.Users = h.online
	}
	h.counters.published++
	h.counters.delivered += uint64(got.Delivered)
	m.matched = got
}

// excuse stamps the members of the excepted rooms as if they had the message already.
func (h *Hub) excuse(except []string) {
	for _, name := range except {
		if r := h.index.table.Room(name); r != nil {
			for i := range r.Len() {
				r.At(i).stamp = h.stamp
			}
		}
	}
}

// put gives m to the member and reports whether it must be woken. A full inbox is dropped: from then on the
// member reads from the index at its cursor. A volatile message is worth neither.
func (m *Member) put(msg *Message, head ID) (wake bool) {
	switch {
	case m.lagging:
		if msg.Volatile {
			m.h.counters.dropped++
		}
		return false
	case m.pending == 0:
		m.cursor = head // it had everything before msg
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
	return m.pending == 1
}

// take takes the oldest message out of an inbox that is not empty.
func (m *Member) take() *Message {
	msg := m.inbox[m.first]
	m.inbox[m.first] = nil
	m.first = (m.first + 1) % inboxSize
	m.pending--
	m.bytes -= uint32(msg.cost)
	return msg
}

// lag drops the inbox. The index has what was in it, but for volatile messages.
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

// lose notes that the messages between the head and next, or the whole epoch, are gone. Every member reads on
// from the index, where it finds that it missed something.
func (h *Hub) lose(next ID, woken *wakeList) {
	sameEpoch := next.Epoch == h.head.Epoch
	for _, m := range h.members {
		if !m.lagging {
			if m.pending == 0 {
				m.cursor = h.head
				woken.members = append(woken.members, m)
			}
			m.lag()
		}
		if !sameEpoch {
			m.epochLost()
		}
	}
	h.head = ID{next.Epoch, next.Seq - 1}
	h.index.forget(h.head.Seq)
}

// wakeList collects the members to wake once the lock is released.
type wakeList struct {
	members []*Member
	wake    func()
}

func newWakeList(pool *sync.Pool) *wakeList {
	w := &wakeList{}
	w.wake = func() {
		for _, m := range w.members {
			if m.a.Wake != nil {
				m.a.Wake()
			}
		}
		clear(w.members)
		w.members = w.members[:0]
		pool.Put(w)
	}
	return w
}

// isChannel reports whether a hub room is a channel of any namespace.
func isChannel(hubRoom string) bool {
	_, name := rooms.Split(hubRoom)
	return rooms.IsChannel(name)
}
