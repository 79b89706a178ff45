package notify

import "time"

// follow indexes the next messages of the log and delivers them to the members. It takes the lock
// for each message separately, so that a batch delays other calls no longer than a single message.
// The returned function wakes the members that had nothing pending.
func (h *Hub) follow(b Batch) (after func()) {
	woken := h.wakes.Get().(*wakeList)
	if b.State != nil {
		h.replaceRetained(b.State)
	}
	if b.Loss != nil {
		h.lose(b.Loss.Head, woken)
	}
	if b.Fork != nil {
		h.noteFork(*b.Fork, woken)
	}
	if b.Deleted != nil {
		h.noteDeleted(*b.Deleted)
	}
	for _, m := range b.Messages {
		if !b.Retained {
			h.traceArrival(m)
		}
		m.cost = cost(m) // before the lock: cost reads all of m
		if b.Retained {
			h.recall(m)
		} else {
			h.next(m, woken)
		}
	}
	return woken.wake
}

// next indexes and delivers a message.
func (h *Hub) next(m *Message, woken *wakeList) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.head
	h.store(m, h.o.Now())
	h.fanOut(m, before, woken)
	h.index.trim(h.o.Now(), 0) // enforce the bytes at once
}

// recall indexes a message that the log stored before this Hub.
func (h *Hub) recall(m *Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store(m, m.Stored)
	h.index.trim(h.o.Now(), 0)
}

// store makes m the head of the index, which does not keep a volatile message of another node.
func (h *Hub) store(m *Message, at time.Time) {
	h.index.trim(h.o.Now(), publishStep)
	if !m.Volatile {
		h.index.add(m, at)
	}
	h.moveHead(m.ID)
	switch { // before the fan-out, in which members may join
	case !h.retained.keeps(m):
	case h.shared != nil:
		h.retained.share(m)
	default:
		h.retained.put(m, int64(m.ID.Seq))
	}
}

// local delivers a volatile message to the members of this node that keep up. Its position in the order is that
// of the head.
func (h *Hub) local(m *Message) {
	woken := h.wakes.Get().(*wakeList)
	m.cost = cost(m)
	h.publish(m, woken)
	woken.wake()
}

func (h *Hub) publish(m *Message, woken *wakeList) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	m.ID = h.head
	h.fanOut(m, h.head, woken)
}
