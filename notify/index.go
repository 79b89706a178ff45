package notify

import (
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// room is a room of the Hub: its members, and the shelf of what can be replayed to them.
type room = rooms.Room[*Member, shelf]

// shelf is the history of one room.
type shelf struct {
	kept deque[ref] // by rising seq
	lost uint64     // highest seq that was in the room and is trimmed, or may have been, before its TTL
	// trimmed is lost with those whose TTL was over: a connected member should have had them all the same.
	trimmed uint64
}

// ref is one entry in one room. The seq stands here for searches that stay in one piece of memory.
type ref struct {
	seq   uint64
	entry *entry
}

// entry is one message in the history, held by every room it went to.
type entry struct {
	msg  *Message // nil once no room holds it, so that its data is released
	held int      // rooms that hold it
	at   time.Time
}

// index is the table of rooms with their history, bounded by count (per room), age and bytes. The Hub's lock
// guards it.
type index struct {
	table    rooms.Table[*Member, shelf]
	size     int
	ttl      time.Duration
	maxBytes int64

	fifo  deque[*entry] // all entries, oldest first, for age and bytes
	dead  int           // entries of fifo that no room holds
	bytes int64         // cost of the others, and of the rooms that hold them
	floor uint64        // lost of any room that is not in the table
}

// open returns the room of that name. A new one may be one that was freed, so it starts at the floor.
func (x *index) open(name string) *room {
	r, made := x.table.Open(name)
	if made {
		r.State.lost = x.floor
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

// add puts a message at the end of its rooms.
func (x *index) add(m *Message, now time.Time) {
	e := &entry{msg: m, at: now, held: 1} // by this function
	x.fifo.push(e)
	x.bytes += m.cost
	for _, name := range m.Rooms {
		r := x.open(name)
		kept := r.State.kept.all()
		if len(kept) > 0 && kept[len(kept)-1].seq == m.ID.Seq {
			continue // named twice
		}
		if len(kept) == 0 {
			x.bytes += roomBytes(name)
		}
		r.State.kept.push(ref{m.ID.Seq, e})
		e.held++
		if len(kept) == x.size {
			x.drop(r, now)
			x.release(r)
		}
	}
	x.letGo(e)
	// A busy room leaves dead entries in the middle of the queue: at most as many as there are others.
	if x.dead > 1024 && x.dead > x.fifo.len()/2 {
		x.fifo.filter(func(e *entry) bool { return e.held > 0 })
		x.dead = 0
	}
}

// trim evicts what is too old, at most limit entries of it, and what is above the bytes. It reports whether
// there is more.
func (x *index) trim(now time.Time, limit int) (more bool) {
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

// evict takes the oldest entry out of all rooms that hold it.
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

// drop takes the oldest entry out of one room.
func (x *index) drop(r *room, now time.Time) {
	oldest := r.State.kept.pop()
	if r.State.kept.len() == 0 {
		x.bytes -= roomBytes(r.Name)
	}
	r.State.trimmed = oldest.seq
	if !oldest.entry.msg.over(now) {
		r.State.lost = oldest.seq
	}
	x.letGo(oldest.entry)
}

// letGo notes that one holder of e is gone.
func (x *index) letGo(e *entry) {
	if e.held--; e.held == 0 {
		x.bytes -= e.msg.cost
		x.dead++
		e.msg = nil
	}
}

// roomBytes is what a room takes that has a history. One that has members only is not charged to the history.
func roomBytes(name string) int64 { return int64(roomCost + block(len(name))) }

// forget drops all history: everything up to seq is lost.
func (x *index) forget(seq uint64) {
	x.fifo, x.dead, x.bytes, x.floor = deque[*entry]{}, 0, 0, seq
	var idle []*room
	x.table.All(func(r *room) bool {
		r.State = shelf{lost: seq, trimmed: seq}
		if r.Len() == 0 {
			idle = append(idle, r)
		}
		return true
	})
	for _, r := range idle {
		x.table.Free(r)
	}
}
