package notify

import (
	"sort"
	"time"

	"github.com/roomcast/roomcast/notify/internal/share"
	"github.com/roomcast/roomcast/rooms"
)

// room is a room of the Hub: its members and the messages that can be replayed to them.
type room = rooms.Room[*Member, shelf]

// shelf is the history of one room.
type shelf struct {
	kept deque[ref]           // in the order of seq
	cost share.Holding[*room] // of the messages; a message with several rooms is divided among them
	// lost is the highest seq that was, or may have been, in the room and was trimmed before its
	// TTL.
	lost uint64
	// trimmed is like lost, but includes messages that were trimmed after their TTL: a member that
	// was connected should have got them.
	trimmed uint64
}

// ref is one entry in one room. It has the seq as well, so that a search reads contiguous memory.
type ref struct {
	seq   uint64
	entry *entry
}

// entry is one message in the history. Each of its rooms holds it.
type entry struct {
	msg  *Message // nil after the last room has dropped it, which releases its data
	seq  uint64
	held int // rooms that hold it
	at   time.Time
}

// index is the table of rooms with their history. Limits are the count of messages in a room that
// are older than minAge, the age of all, and the bytes of all. Above the limit of bytes, the rooms
// with more than their share lose their oldest messages first. The Hub's lock guards it.
type index struct {
	table    rooms.Table[*Member, shelf]
	size     int
	minAge   time.Duration
	ttl      time.Duration
	maxBytes int64

	fifo  deque[*entry] // all entries, oldest first, for age and bytes
	dead  int           // entries of fifo that no room holds
	bytes int64         // cost of the other entries and of the rooms that hold them
	floor uint64        // lost of every room that is not in the table

	shares share.Shares[*room] // of maxBytes
}

// open returns the room of that name. It creates the room if there is none: that one may have been
// freed before, so it starts with lost at the floor.
func (x *index) open(name string) *room {
	r, made := x.table.Open(name)
	if made {
		r.State.lost, r.State.cost.Of = x.floor, r
	}
	return r
}

// release frees a room without members and history.
func (x *index) release(r *room) {
	if r.Len() == 0 && r.State.kept.len() == 0 {
		x.floor = max(x.floor, r.State.lost)
		x.table.Free(r)
	}
}

// add appends a message to its rooms.
func (x *index) add(m *Message, now time.Time) {
	e := &entry{msg: m, seq: m.ID.Seq, at: now, held: 1} // held by this call
	m.kept.Store(true)
	x.fifo.push(e)
	x.bytes += m.cost
	for _, name := range m.Rooms {
		r := x.open(name)
		kept := r.State.kept.all()
		if len(kept) > 0 && kept[len(kept)-1].seq == m.ID.Seq {
			continue // the message names the room twice
		}
		if len(kept) == 0 {
			x.bytes += roomBytes(name)
		}
		r.State.kept.push(ref{m.ID.Seq, e})
		x.shares.Charge(&r.State.cost, perRoom(m))
		e.held++
		x.shorten(r, now)
	}
	x.unhold(e)
	// A busy room leaves dead entries in the middle of the queue: no more than there are live ones.
	if x.dead > 1024 && x.dead > x.fifo.len()/2 {
		x.fifo.filter(func(e *entry) bool { return e.held > 0 })
		x.dead = 0
	}
}

// countAfter returns how many messages came after seq, as far back as the index goes.
func (x *index) countAfter(seq uint64) uint64 {
	all := x.fifo.all()
	from := sort.Search(len(all), func(i int) bool { return all[i].seq > seq })
	return uint64(len(all) - from)
}

// shorten removes the oldest entries of a room that has too many.
func (x *index) shorten(r *room, now time.Time) {
	for r.State.kept.len() > x.size {
		if x.size > 0 && now.Sub(r.State.kept.all()[0].entry.at) < x.minAge {
			return
		}
		x.drop(r, now)
	}
	x.release(r)
}

// trim evicts entries that are too old, at most limit of them. While there are too many bytes, it
// evicts the oldest entries of the heaviest rooms, then the oldest of all. It reports whether there
// are more that are too old.
func (x *index) trim(now time.Time, limit int) (more bool) {
	for x.bytes > x.maxBytes {
		heaviest := x.shares.Heaviest()
		if heaviest == nil {
			break
		}
		x.drop(heaviest.Of, now)
		x.release(heaviest.Of)
	}
	for x.fifo.len() > 0 {
		e := x.fifo.all()[0]
		if e.held > 0 {
			if x.bytes <= x.maxBytes {
				if now.Sub(e.at) < x.ttl {
					return false
				}
				if limit--; limit < 0 {
					return true
				}
			}
			x.evict(e, now)
		}
		x.fifo.pop()
		x.dead--
	}
	return false
}

// cut evicts the oldest n entries.
func (x *index) cut(n int, now time.Time) {
	for ; n > 0 && x.fifo.len() > 0; x.fifo.pop() {
		if e := x.fifo.all()[0]; e.held > 0 {
			x.evict(e, now)
			n--
		}
		x.dead--
	}
}

// evict removes the oldest entry from all rooms that hold it.
func (x *index) evict(e *entry, now time.Time) {
	m := e.msg
	for _, name := range m.Rooms {
		r := x.table.Room(name)
		if r == nil {
			continue
		}
		if kept := r.State.kept.all(); len(kept) > 0 && kept[0].entry == e {
			x.drop(r, now)
			x.release(r)
		}
	}
}

// drop removes the oldest entry from one room.
func (x *index) drop(r *room, now time.Time) {
	oldest := r.State.kept.pop()
	if r.State.kept.len() == 0 {
		x.bytes -= roomBytes(r.Name)
	}
	x.shares.Charge(&r.State.cost, -perRoom(oldest.entry.msg))
	r.State.trimmed = oldest.seq
	if !oldest.entry.msg.over(now) {
		r.State.lost = oldest.seq
	}
	x.unhold(oldest.entry)
}

// unhold removes one holder of e.
func (x *index) unhold(e *entry) {
	if e.held--; e.held == 0 {
		x.bytes -= e.msg.cost
		x.dead++
		e.msg.kept.Store(false)
		e.msg = nil
	}
}

// perRoom returns what each room of a message is charged for it.
func perRoom(m *Message) int64 { return m.cost / int64(len(m.Rooms)) }

// roomBytes is the cost of a room with history. A room with members only costs the history nothing.
func roomBytes(name string) int64 { return int64(roomCost + block(len(name))) }

// forget drops all history: all messages up to seq are lost.
func (x *index) forget(seq uint64) {
	for _, e := range x.fifo.all() {
		if e.msg != nil {
			e.msg.kept.Store(false)
		}
	}
	x.fifo, x.dead, x.bytes, x.floor = deque[*entry]{}, 0, 0, seq
	x.shares.Forget()
	var idle []*room
	x.table.All(func(r *room) bool {
		r.State = shelf{lost: seq, trimmed: seq, cost: share.Holding[*room]{Of: r}}
		if r.Len() == 0 {
			idle = append(idle, r)
		}
		return true
	})
	for _, r := range idle {
		x.table.Free(r)
	}
}
