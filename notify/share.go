package notify

import (
	"cmp"
	"slices"
)

// maxShare is how much of the history's bytes a room may take while other rooms need them. Without
// it one busy channel could evict the messages of all others.
func (x *index) maxShare() int64 { return x.maxBytes / 4 }

// share returns what each room of a message is charged for it.
func share(m *Message) int64 { return m.cost / int64(len(m.Rooms)) }

// charge adds bytes to the share of a room. At most a few rooms are heavy, because all shares
// together are at most the bytes of the history.
func (x *index) charge(r *room, bytes int64) {
	before := r.State.bytes > x.maxShare()
	r.State.bytes += bytes
	switch after := r.State.bytes > x.maxShare(); {
	case after && !before:
		x.heavy = append(x.heavy, r)
	case before && !after:
		x.heavy = slices.DeleteFunc(x.heavy, func(other *room) bool { return other == r })
	}
}

// heaviest returns the room with the largest share. There must be a heavy room.
func (x *index) heaviest() *room {
	return slices.MaxFunc(x.heavy, func(a, b *room) int {
		return cmp.Compare(a.State.bytes, b.State.bytes)
	})
}
