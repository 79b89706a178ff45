package redisstream

import "slices"

// ringSize is how many entries the tail remembers: 1.5 MB. A replica under load was 6,000 entries
// behind. A server that takes over and lacks more than these is one that has lost everything.
const ringSize = 1 << 16

// mark is what the tail remembers of an entry.
type mark struct {
	id   streamID
	hash uint64
}

// ring has the newest entries that the tail has read. It is not safe for concurrent use.
type ring struct {
	marks []mark
	first int // the oldest one, when there are ringSize
}

func (r *ring) push(m mark) {
	if len(r.marks) < ringSize {
		r.marks = append(r.marks, m)
		return
	}
	r.marks[r.first] = m
	r.first = (r.first + 1) % ringSize
}

// all returns the entries, oldest first.
func (r *ring) all() []mark { return slices.Concat(r.marks[r.first:], r.marks[:r.first]) }

// cut forgets all entries except for some of those of all.
func (r *ring) cut(to []mark) { *r = ring{marks: to} }
