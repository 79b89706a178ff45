package disklog

import (
	"maps"
	"sync/atomic"
)

// floors has the rooms that have lost more than the others: those that had more than their share of a
// log that was full. There are a few: such a room keeps its share after its floor, and leaves the
// table when everything up to its floor is dropped anyway. Any goroutine reads it without a lock.
type floors struct {
	m atomic.Pointer[map[string]uint64] // is not changed; nil: there are none
}

func (f *floors) all() map[string]uint64 {
	if m := f.m.Load(); m != nil {
		return *m
	}
	return nil
}

// of returns the floor of a room, 0 if it has lost no more than the others.
func (f *floors) of(room string) uint64 { return f.all()[room] }

// replace sets all floors. The caller does not use the map any more.
func (f *floors) replace(all map[string]uint64) {
	if len(all) == 0 {
		f.m.Store(nil)
		return
	}
	f.m.Store(&all)
}

// raise sets the floor of a room.
func (f *floors) raise(room string, to uint64) {
	all := maps.Clone(f.all())
	if all == nil {
		all = make(map[string]uint64)
	}
	all[room] = to
	f.replace(all)
}

// below removes the rooms whose floors are not above that of all, and returns them.
func (f *floors) below(floor uint64) (rooms []string) {
	for room, at := range f.all() {
		if at <= floor {
			rooms = append(rooms, room)
		}
	}
	if len(rooms) > 0 {
		all := maps.Clone(f.all())
		for _, room := range rooms {
			delete(all, room)
		}
		f.replace(all)
	}
	return rooms
}

// highest returns the highest floor, 0 if there is none.
func (f *floors) highest() (floor uint64) {
	for _, at := range f.all() {
		floor = max(floor, at)
	}
	return floor
}
