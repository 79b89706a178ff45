package notify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A node that reads the stream of all nodes, and a state at any time, has what the stream says: also if
// the state has messages ahead of it.
func TestSharedRetainedProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []any // *Message or RetainedID
		at := func(i int) ID { return ID{StreamEpoch, uint64(i + 1)} }
		newest := map[string]*Message{} // after all
		after := []map[string]*Message{{}}
		for i := range rapid.IntRange(1, 40).Draw(t, "length") {
			room := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "room")
			kind := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "type")
			if old := newest[room+kind]; old != nil && rapid.Bool().Draw(t, "delete") {
				stream = append(stream, RetainedID{room, kind, old.ID})
				delete(newest, room+kind)
			} else {
				m := &Message{ID: at(i), Namespace: "/", Rooms: []string{room}, Type: kind, Retain: true,
					Data: []byte("1")}
				stream = append(stream, m)
				newest[room+kind] = m
			}
			after = append(after, maps.Clone(newest))
		}

		h := New(nodeLog{NewMemoryLog()}, DefaultOptions())
		defer h.Close()
		begin := rapid.IntRange(0, len(stream)).Draw(t, "begin")
		end := rapid.IntRange(begin, len(stream)).Draw(t, "end")
		state := &RetainedState{At: ID{StreamEpoch, uint64(begin)}}
		read := map[string]*Message{} // the messages of the state
		for _, slot := range []string{"ax", "ay", "az", "bx", "by", "bz"} {
			// The server is read while it changes.
			moment := rapid.IntRange(begin, end).Draw(t, "moment of "+slot)
			if m := after[moment][slot]; m != nil {
				read[slot] = m
				state.Messages = append(state.Messages, copied(m))
			}
		}
		slices.SortFunc(state.Messages, func(a, b *Message) int { return cmp.Compare(a.ID.Seq, b.ID.Seq) })
		floor := rapid.IntRange(0, begin).Draw(t, "floor")
		first := Batch{State: state, Loss: &Loss{Head: ID{StreamEpoch, uint64(floor)}}, Retained: true}
		for _, of := range stream[floor:begin] {
			if m, ok := of.(*Message); ok {
				first.Messages = append(first.Messages, copied(m))
			}
		}
		h.follow(first)
		expectRetained(t, h, read)
		for i := begin; i < len(stream); i++ {
			switch of := stream[i].(type) {
			case *Message:
				h.follow(Batch{Messages: []*Message{copied(of)}})
			case RetainedID:
				h.follow(Batch{Deleted: &of})
			}
			expectSorted(t, h)
			want := maps.Clone(after[i+1])
			maps.DeleteFunc(want, func(slot string, m *Message) bool {
				return m.ID.Seq <= state.At.Seq && read[slot] != m // the state is ahead
			})
			for slot, m := range read {
				if m.ID.Seq > uint64(i+1) {
					want[slot] = m
				}
			}
			if i+1 >= end && !maps.Equal(want, after[i+1]) {
				t.Fatal("the state is ahead after its end")
			}
			expectRetained(t, h, want)
		}
	})
}

// nodeLog is the log of a node that only reads.
type nodeLog struct{ *MemoryLog }

func (nodeLog) CatchUp(context.Context) error                             { return nil }
func (nodeLog) DeleteRetained(context.Context, []RetainedID) (int, error) { return 0, nil }

func copied(m *Message) *Message {
	return &Message{ID: m.ID, Namespace: m.Namespace, Rooms: m.Rooms, Type: m.Type, Retain: true, Data: m.Data}
}

func expectSorted(t *rapid.T, h *Hub) {
	bytes, count := int64(0), 0
	for name, r := range h.retained.rooms {
		if !slices.IsSortedFunc(r.order, func(a, b *slot) int { return cmp.Compare(a.at, b.at) }) {
			t.Fatalf("the messages of %s are not in their order", name)
		}
		bytes, count = bytes+r.bytes, count+len(r.order)
	}
	if bytes != h.retained.bytes || count != h.retained.count {
		t.Fatalf("%d bytes, %d messages, want %d and %d", h.retained.bytes, h.retained.count, bytes, count)
	}
}

func expectRetained(t *rapid.T, h *Hub, want map[string]*Message) {
	got := map[string]ID{}
	for _, r := range h.retained.rooms {
		for _, s := range r.order {
			got[r.name+s.kind] = s.msg.ID
		}
	}
	ids := map[string]ID{}
	for slot, m := range want {
		ids[slot] = m.ID
	}
	if !maps.Equal(got, ids) {
		t.Fatalf("retained %v, want %v", got, ids)
	}
}

// Another program can write a state in which messages of one room have the same id. The Hub keeps one of
// them, and goes on with the next states, deletions and messages.
func TestRetainedWithOneID(t *testing.T) {
	t.Parallel()
	h := New(nodeLog{NewMemoryLog()}, DefaultOptions())
	defer h.Close()
	message := func(seq uint64, kind string) *Message {
		return &Message{ID: ID{StreamEpoch, seq}, Namespace: "/", Rooms: []string{"a"}, Type: kind, Retain: true,
			Data: []byte("1")}
	}
	expect := func(want ...RetainedID) {
		t.Helper()
		if got := h.retainedIDs([]string{"a"}, ""); !slices.Equal(got, want) {
			t.Errorf("retained %v, want %v", got, want)
		}
	}
	id := func(seq uint64, kind string) RetainedID { return RetainedID{"a", kind, ID{StreamEpoch, seq}} }
	for range 2 {
		h.follow(Batch{State: &RetainedState{Messages: []*Message{message(3, "x"), message(3, "y"), message(4, "z")},
			At: ID{StreamEpoch, 4}}, Loss: &Loss{Head: ID{StreamEpoch, 4}}})
		expect(id(3, "y"), id(4, "z"))
	}
	h.follow(Batch{Messages: []*Message{message(5, "y")}})
	expect(id(4, "z"), id(5, "y"))
	deleted := id(5, "y")
	h.follow(Batch{Deleted: &deleted})
	expect(id(4, "z"))

	// The state can be ahead of the log, which then has a message with the id of another one.
	h.follow(Batch{State: &RetainedState{Messages: []*Message{message(9, "y")}, At: ID{StreamEpoch, 5}}})
	h.follow(Batch{Messages: []*Message{message(9, "x")}})
	expect(id(9, "x"))
	h.follow(Batch{State: &RetainedState{At: ID{StreamEpoch, 9}}})
	expect()
}
