package notify

import (
	"cmp"
	pq "container/heap"
	"fmt"
	"slices"
	"time"
)

// RetainError is the error of a publish whose notification should be retained, when the limits
// leave no room for it. The Hub sent nothing. A later attempt fails too, until retained
// notifications have expired or were deleted.
type RetainError struct {
	Field  string // "retain", in a batch "[3].retain"
	Reason string
}

// Error returns the field and the reason.
func (e *RetainError) Error() string { return e.Field + ": " + e.Reason }

// retainedShare is the part of Options.RetainedMaxBytes that one room may take: a quarter.
const retainedShare = 4

// retained has the newest retained message of each type in each room. The Hub's lock guards it.
type retained struct {
	size     int   // types in one room
	maxBytes int64 // of all rooms
	rooms    map[string]*retainedRoom
	bytes    int64 // what counts for maxBytes
	count    int   // messages
	loaded   ID    // the log's head at the start; the store had what is retained up to it
	expiring expiring
	shared   bool // the log has what all nodes retain, see SharedRetained
}

// retainedRoom is one room with retained messages, or with a publish that will retain one.
type retainedRoom struct {
	name   string
	byType map[string]*slot
	order  []*slot // those with a message, in the order of their positions, which are unique
	bytes  int64
}

// slot is the place of one type in a room. While publishes for it are in progress it counts as much
// as the largest of them, so that a publish that has begun always fits.
type slot struct {
	room   *retainedRoom
	kind   string
	msg    *Message // as joiners get it, see marked; nil: none yet
	at     int64    // position of msg in the log; negative: before all of the log
	counts int64    // bytes
	claims int      // publishes in progress
	heap   int      // index in expiring, -1: not in it
}

// claim reserves the place of a message. The caller calls release after the append, whether that
// succeeded or not.
func (t *retained) claim(m *Message, now time.Time) error {
	if t.size == 0 || t.maxBytes == 0 {
		return refuse("retain", "this server retains no notifications")
	}
	t.expire(now)
	counts, grows := retainedBytes(m.marked), retainedBytes(m.marked)
	used, types := int64(0), 0
	s := t.slot(m)
	if s != nil {
		grows = max(0, counts-s.counts)
	}
	if r := t.rooms[m.Rooms[0]]; r != nil {
		used, types = r.bytes, len(r.byType)
	}
	switch share := t.maxBytes / retainedShare; {
	case s == nil && types >= t.size:
		return full("%q has notifications of %d types, the most that it may have", m.Rooms[0], types)
	case used+grows > share:
		return full("%q would have %d bytes of notifications, expected at most %d", m.Rooms[0],
			used+grows, share)
	case t.bytes+grows > t.maxBytes:
		return full("the server would have %d bytes of notifications, expected at most %d",
			t.bytes+grows, t.maxBytes)
	}
	if s == nil {
		s = t.open(m)
	}
	t.charge(s, max(counts, s.counts))
	s.claims++
	return nil
}

func full(format string, args ...any) error {
	return &RetainError{"retain", fmt.Sprintf(format, args...) +
		"; delete one, or publish without retain"}
}

// release ends a claim.
func (t *retained) release(m *Message) {
	s := t.slot(m)
	s.claims--
	t.settle(s)
}

// put makes m, a message of the log, the newest one of its type. at is its position.
func (t *retained) put(m *Message, at int64) {
	if m.marked == nil { // of another node, which has checked the limits
		m.marked = marked(m)
	}
	c := m.marked
	c.ID, c.Timestamp, c.accepted, c.cost = m.ID, m.Timestamp, m.accepted, cost(m.marked)
	s := t.slot(m)
	if s == nil {
		s = t.open(m)
	}
	t.clear(s)
	// Only a state of all nodes has messages after those that follow. Another program can write two
	// with one id.
	i, isTaken := slices.BinarySearchFunc(s.room.order, at, compareAt)
	if isTaken {
		t.remove(s.room.order[i])
	}
	s.msg, s.at = c, at
	s.room.order = slices.Insert(s.room.order, i, s)
	t.count++
	if c.TTL > 0 {
		pq.Push(&t.expiring, s)
	}
	t.settle(s)
}

// delete removes the message of a type from a room and reports whether there was one.
func (t *retained) delete(room, kind string) bool {
	r := t.rooms[room]
	if r == nil || r.byType[kind] == nil || r.byType[kind].msg == nil {
		return false
	}
	t.remove(r.byType[kind])
	return true
}

// expire removes the messages whose TTL is over.
func (t *retained) expire(now time.Time) {
	for len(t.expiring) > 0 && t.expiring[0].msg.over(now) {
		t.remove(t.expiring[0])
	}
}

func (t *retained) remove(s *slot) {
	t.clear(s)
	t.settle(s)
}

// all returns the messages of a room, in their order. The slice is valid until the next change.
func (t *retained) all(room string) []*slot {
	if r := t.rooms[room]; r != nil {
		return r.order
	}
	return nil
}

// keeps reports whether a message that the log delivers is to be retained.
func (t *retained) keeps(m *Message) bool {
	return m.Retain && (m.ID.Epoch != t.loaded.Epoch || m.ID.Seq > t.loaded.Seq)
}

// rebase moves all messages before the log, after the log has begun a new epoch. Those of all nodes keep
// their positions.
func (t *retained) rebase() {
	if t.shared {
		return
	}
	for _, r := range t.rooms {
		for i, s := range r.order {
			s.at = int64(i - len(r.order))
		}
	}
}

// between is all for the positions from first to last.
func (t *retained) between(room string, first, last int64) []*slot {
	order := t.all(room)
	i, _ := slices.BinarySearchFunc(order, first, compareAt)
	k, found := slices.BinarySearchFunc(order, last, compareAt)
	if found {
		k++
	}
	return order[i:max(i, k)]
}

func compareAt(s *slot, at int64) int { return cmp.Compare(s.at, at) }

// slot returns the slot of a message, or nil.
func (t *retained) slot(m *Message) *slot {
	if r := t.rooms[m.Rooms[0]]; r != nil {
		return r.byType[m.Type]
	}
	return nil
}

// open adds the slot of a message.
func (t *retained) open(m *Message) *slot {
	name := m.Rooms[0]
	r := t.rooms[name]
	if r == nil {
		r = &retainedRoom{name: name, byType: make(map[string]*slot)}
		t.rooms[name] = r
	}
	s := &slot{room: r, kind: m.Type, heap: -1}
	r.byType[m.Type] = s
	return s
}

// clear removes the message of a slot, if it has one.
func (t *retained) clear(s *slot) {
	if s.msg == nil {
		return
	}
	i, _ := slices.BinarySearchFunc(s.room.order, s.at, compareAt)
	s.room.order = slices.Delete(s.room.order, i, i+1)
	if s.heap >= 0 {
		pq.Remove(&t.expiring, s.heap)
	}
	s.msg = nil
	t.count--
}

// settle makes a slot without claims count what it has, and removes it if that is nothing.
func (t *retained) settle(s *slot) {
	if s.claims > 0 {
		return
	}
	if s.msg != nil {
		t.charge(s, retainedBytes(s.msg))
		return
	}
	t.charge(s, 0)
	delete(s.room.byType, s.kind)
	if len(s.room.byType) == 0 {
		delete(t.rooms, s.room.name)
	}
}

func (t *retained) charge(s *slot, counts int64) {
	s.room.bytes += counts - s.counts
	t.bytes += counts - s.counts
	s.counts = counts
}

// expiring is a heap of the slots with a TTL, the one that expires first at the top.
type expiring []*slot

func (e expiring) Len() int           { return len(e) }
func (e expiring) Less(i, k int) bool { return e[i].msg.expires().Before(e[k].msg.expires()) }
func (e expiring) Swap(i, k int) {
	e[i], e[k] = e[k], e[i]
	e[i].heap, e[k].heap = i, k
}

func (e *expiring) Push(x any) {
	s := x.(*slot)
	s.heap = len(*e)
	*e = append(*e, s)
}

func (e *expiring) Pop() any {
	old := *e
	s := old[len(old)-1]
	old[len(old)-1] = nil
	s.heap = -1
	*e = old[:len(old)-1]
	return s
}
