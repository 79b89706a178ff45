package rooms

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// world is a table and a simple model of it.
type world struct {
	table Table[int, string]
	seats []*Seat[int, string]
	model map[string]map[int]uint64 // room -> member -> joinedAt
}

func newWorld(members int) *world {
	w := &world{model: map[string]map[int]uint64{}}
	for i := range members {
		w.seats = append(w.seats, &Seat[int, string]{Member: i})
	}
	return w
}

// join, leave and leaveAll change both the table and the model, and return an error if the two
// results differ.
func (w *world) join(member int, room string, at uint64) error {
	r, made := w.table.Open(room)
	if known := w.model[room] != nil; made == known {
		return fmt.Errorf("Open(%s) made %v", room, made)
	}
	if w.model[room] == nil {
		w.model[room] = map[int]uint64{}
	}
	_, in := w.model[room][member]
	if !in {
		w.model[room][member] = at
	}
	if joined := r.Join(w.seats[member], at); joined == in {
		return fmt.Errorf("Join(%d, %s) = %v", member, room, joined)
	}
	return nil
}

func (w *world) leave(member int, room string) error {
	r := w.table.Room(room)
	if r == nil {
		return nil
	}
	_, in := w.model[room][member]
	delete(w.model[room], member)
	if left := r.Leave(w.seats[member]); left != in {
		return fmt.Errorf("Leave(%d, %s) = %v", member, room, left)
	}
	return w.free(r)
}

func (w *world) leaveAll(member int) error {
	s := w.seats[member]
	for len(s.Rooms()) > 0 {
		if err := w.leave(member, s.Rooms()[0].Room.Name); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) free(r *Room[int, string]) error {
	empty := len(w.model[r.Name]) == 0
	if freed := w.table.Free(r); freed != empty {
		return fmt.Errorf("Free(%s) = %v", r.Name, freed)
	}
	if empty {
		delete(w.model, r.Name)
	}
	return nil
}

// check compares the table with the model, from the rooms and from the members.
func (w *world) check() error {
	if w.table.Len() != len(w.model) {
		return fmt.Errorf("%d rooms, want %d", w.table.Len(), len(w.model))
	}
	seen := 0
	w.table.All(func(*Room[int, string]) bool { seen++; return true })
	if seen != len(w.model) {
		return fmt.Errorf("All visits %d rooms, want %d", seen, len(w.model))
	}
	for name, members := range w.model {
		r := w.table.Room(name)
		if r == nil {
			return fmt.Errorf("room %s is gone", name)
		}
		var got []int
		for i := range r.Len() {
			got = append(got, r.At(i))
		}
		slices.Sort(got)
		if want := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
			return fmt.Errorf("room %s has %v, want %v", name, got, want)
		}
	}
	for i, s := range w.seats {
		count := 0
		for _, members := range w.model {
			if _, in := members[i]; in {
				count++
			}
		}
		if len(s.Rooms()) != count {
			return fmt.Errorf("member %d is in %d rooms, want %d", i, len(s.Rooms()), count)
		}
		for _, in := range s.Rooms() {
			at, ok := w.model[in.Room.Name][i]
			if !ok || in.JoinedAt != at || !in.Room.Has(s) || in.Room != w.table.Room(in.Room.Name) {
				return fmt.Errorf("member %d in %s since %d, want %d (%v)", i, in.Room.Name, in.JoinedAt, at, ok)
			}
		}
	}
	return nil
}

// FuzzTable reads each byte pair as an operation on 8 members and 8 rooms.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 0x11, 0, 0x12, 0, 0x21, 1, 0x11, 2, 0x10})
	f.Add([]byte{0, 0x01, 0, 0x02, 0, 0x03, 1, 0x02, 1, 0x01, 1, 0x03, 1, 0x03})
	f.Add([]byte{0, 0x01, 0, 0x11, 0, 0x21, 2, 0x10, 0, 0x11, 2, 0x00, 2, 0x20})
	f.Fuzz(func(t *testing.T, ops []byte) {
		w := newWorld(8)
		for i := 0; i+1 < len(ops); i += 2 {
			member, room := int(ops[i+1]>>4&7), fmt.Sprint("r", ops[i+1]&7)
			var err error
			switch ops[i] % 3 {
			case 0:
				err = w.join(member, room, uint64(i))
			case 1:
				err = w.leave(member, room)
			case 2:
				err = w.leaveAll(member)
			}
			if err == nil && (i%32 == 0 || i+3 >= len(ops)) {
				err = w.check()
			}
			if err != nil {
				t.Fatalf("after %d operations: %v", i/2+1, err)
			}
		}
	})
}

func TestTableMatchesModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(12)
		member := rapid.IntRange(0, 11)
		room := rapid.Map(rapid.IntRange(0, 9), func(i int) string { return fmt.Sprint("r", i) })
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				must(w.join(member.Draw(t, "member"), room.Draw(t, "room"), rapid.Uint64().Draw(t, "at")))
			},
			"leave":    func(t *rapid.T) { must(w.leave(member.Draw(t, "member"), room.Draw(t, "room"))) },
			"leaveAll": func(t *rapid.T) { must(w.leaveAll(member.Draw(t, "member"))) },
			"":         func(*rapid.T) { must(w.check()) },
		})
	})
}

func TestFreeKeepsOccupiedRoom(t *testing.T) {
	t.Parallel()
	var table Table[int, string]
	s := &Seat[int, string]{Member: 1}
	r, _ := table.Open("r")
	r.Join(s, 0)
	if table.Free(r) || table.Room("r") != r {
		t.Fatal("freed a room with a member")
	}
	r.Leave(s)
	if !table.Free(r) || table.Room("r") != nil || table.Free(r) {
		t.Fatal("an empty room is freed once")
	}
}

func TestTableReleasesMemory(t *testing.T) {
	t.Parallel()
	var table Table[int, string]
	for i := range 10_000 {
		table.Open(fmt.Sprint(i))
	}
	for i := range 9_990 {
		table.Free(table.Room(fmt.Sprint(i)))
	}
	if table.peak > 1250 || table.Len() != 10 {
		t.Fatalf("a map of %d for %d rooms", table.peak, table.Len())
	}
	for i := range 10 {
		if table.Room(fmt.Sprint(9_990+i)) == nil {
			t.Fatalf("room %d is gone", 9_990+i)
		}
	}
}

func BenchmarkJoinLeave(b *testing.B) {
	var table Table[int, string]
	r, _ := table.Open("r")
	for i := range 10_000 {
		r.Join(&Seat[int, string]{Member: i}, 0)
	}
	s := &Seat[int, string]{Member: -1}
	b.ReportAllocs()
	for b.Loop() {
		r.Join(s, 0)
		r.Leave(s)
	}
}
