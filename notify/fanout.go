package notify

import (
	"sync"

	"github.com/roomcast/roomcast/rooms"
)

// follow indexes the next messages of the log and delivers them to the members. It takes the lock
// for each message separately, so that a batch delays other calls no longer than a single message.
// The returned function wakes the members that had nothing pending.
func (h *Hub) follow(messages []*Message) (after func()) {
	woken := h.wakes.Get().(*wakeList)
	for _, m := range messages {
		m.cost = cost(m) // before the lock: cost reads all of m
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
	h.moveHead(m.ID)
	h.index.trim(now, 0) // enforce the bytes at once
}

// local delivers a volatile message to the members that keep up. Its position in the order is that
// of the head.
func (h *Hub) local(m *Message) {
	woken := h.wakes.Get().(*wakeList)
	m.cost = cost(m)
	h.mu.Lock()
	m.ID = h.head
	h.fanOut(m, woken)
	h.mu.Unlock()
	woken.wake()
}

// fanOut puts m once into the inbox of every member of its rooms, except members of excepted rooms,
// and counts the members. It is the hot path of the product: one map lookup for each room, and no
// allocation except the first inbox of a member.
func (h *Hub) fanOut(m *Message, woken *wakeList) {
	var got Receipt
	h.stamp++
	h.stampExcepted(m.Except)
	// With one room and no exception no member comes twice. With all of "/" the users are counted
	// already.
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

// stampExcepted stamps the members of the excepted rooms, as if they had the message already.
func (h *Hub) stampExcepted(except []string) {
	for _, name := range except {
		if r := h.index.table.Room(name); r != nil {
			for i := range r.Len() {
				r.At(i).stamp = h.stamp
			}
		}
	}
}

// put puts msg into the inbox and reports whether the caller must wake the member. If the inbox is
// full, put drops it, and the member lags: it reads from the index at its cursor. A volatile
// message that does not fit is dropped instead.
func (m *Member) put(msg *Message, head ID) (wake bool) {
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
	return m.pending == 1
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

// lose marks the messages between the head and next, or the whole epoch, as lost. Every member
// lags: it reads from the index and gets a gap there.
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
	h.moveHead(ID{next.Epoch, next.Seq - 1})
	h.index.forget(h.head.Seq)
}

// wakeList has the members to wake after the Hub has released its lock.
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
