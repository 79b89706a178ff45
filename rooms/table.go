package rooms

// Table is a table of rooms and the members in them. Join and Leave take time in proportion to the
// rooms of the member or the members of the room, whichever are fewer. There is no set and no map
// per room or member.
//
// M is the owner's member, R the owner's state of a room. The zero Table is empty and ready to use.
// A table has no lock: its owner guards it.
type Table[M, R any] struct {
	rooms map[string]*Room[M, R]
	peak  int // most rooms since rooms was allocated
}

// Room is one room of a table. It stays in the table until [Table.Free].
type Room[M, R any] struct {
	Name  string
	State R // the owner's
	slots []slot[M, R]
}

// Seat is the member's side of the table. Embed one in the member, and set Member before the first
// Join.
type Seat[M, R any] struct {
	Member M
	in     []Membership[M, R]
}

// Membership is one member in one room.
type Membership[M, R any] struct {
	Room *Room[M, R]
	// JoinedAt is the position in the owner's order at which the membership began. The owner may
	// change it.
	JoinedAt uint64
	pos      int // index of the seat in Room.slots
}

// slot is the room's side of a membership.
type slot[M, R any] struct {
	seat *Seat[M, R]
	back int // index of the membership in seat.in
}

// Len returns the number of rooms.
func (t *Table[M, R]) Len() int { return len(t.rooms) }

// Room returns the room of that name, or nil.
func (t *Table[M, R]) Room(name string) *Room[M, R] { return t.rooms[name] }

// Open returns the room of that name. It creates the room if there is none.
func (t *Table[M, R]) Open(name string) (r *Room[M, R], made bool) {
	if r = t.rooms[name]; r != nil {
		return r, false
	}
	if t.rooms == nil {
		t.rooms = make(map[string]*Room[M, R])
	}
	r = &Room[M, R]{Name: name}
	t.rooms[name] = r
	t.peak = max(t.peak, len(t.rooms))
	return r, true
}

// Free takes a room without members out of the table and reports whether it did.
func (t *Table[M, R]) Free(r *Room[M, R]) bool {
	if len(r.slots) > 0 || t.rooms[r.Name] != r {
		return false
	}
	delete(t.rooms, r.Name)
	// A Go map does not shrink: after a burst of rooms, the few that are left move to a new map.
	if t.peak > 1024 && len(t.rooms) < t.peak/8 {
		smaller := make(map[string]*Room[M, R], len(t.rooms))
		for name, room := range t.rooms {
			smaller[name] = room
		}
		t.rooms, t.peak = smaller, len(smaller)
	}
	return true
}

// All calls f for every room, in no particular order, until f returns false. f must not change the
// table.
func (t *Table[M, R]) All(f func(*Room[M, R]) bool) {
	for _, r := range t.rooms {
		if !f(r) {
			return
		}
	}
}

// Join puts the member of s into r and reports whether it was not in r before. joinedAt applies to
// a new membership only.
func (r *Room[M, R]) Join(s *Seat[M, R], joinedAt uint64) bool {
	if r.find(s) >= 0 {
		return false
	}
	r.slots = append(r.slots, slot[M, R]{s, len(s.in)})
	s.in = append(s.in, Membership[M, R]{Room: r, JoinedAt: joinedAt, pos: len(r.slots) - 1})
	return true
}

// Leave takes the member of s out of r and reports whether it was in r.
func (r *Room[M, R]) Leave(s *Seat[M, R]) bool {
	i := r.find(s)
	if i < 0 {
		return false
	}
	r.drop(s.in[i].pos)
	s.drop(i)
	return true
}

// Has reports whether the member of s is in r.
func (r *Room[M, R]) Has(s *Seat[M, R]) bool { return r.find(s) >= 0 }

// Len returns the number of members of the room.
func (r *Room[M, R]) Len() int { return len(r.slots) }

// At returns a member, 0 <= i < Len, in no particular order. Join and Leave change the order.
func (r *Room[M, R]) At(i int) M { return r.slots[i].seat.Member }

// Rooms returns the memberships of the member, in no particular order. The slice belongs to the
// table: the owner may change JoinedAt, and must not keep the slice across a Join or Leave.
func (s *Seat[M, R]) Rooms() []Membership[M, R] { return s.in }

// find returns the index in s.in of the membership of s in r, or -1. It searches the shorter side.
func (r *Room[M, R]) find(s *Seat[M, R]) int {
	if len(r.slots) < len(s.in) {
		for i := range r.slots {
			if r.slots[i].seat == s {
				return r.slots[i].back
			}
		}
		return -1
	}
	for i := range s.in {
		if s.in[i].Room == r {
			return i
		}
	}
	return -1
}

// drop removes the slot at pos and moves the last slot there.
func (r *Room[M, R]) drop(pos int) {
	last := len(r.slots) - 1
	moved := r.slots[last]
	r.slots[pos] = moved
	moved.seat.in[moved.back].pos = pos
	r.slots[last] = slot[M, R]{}
	r.slots = shrink(r.slots[:last])
}

// drop removes the membership at i and moves the last membership there.
func (s *Seat[M, R]) drop(i int) {
	last := len(s.in) - 1
	if i != last {
		moved := s.in[last]
		s.in[i] = moved
		moved.Room.slots[moved.pos].back = i
	}
	s.in[last] = Membership[M, R]{}
	s.in = s.in[:last]
}

// shrink releases memory after most members of a large room have left.
func shrink[T any](s []T) []T {
	if cap(s) <= 64 || len(s) > cap(s)/4 {
		return s
	}
	return append(make([]T, 0, cap(s)/2), s...)
}
