package redisstream

// ringSize is how many entries the tail remembers. A server that takes over and lacks more than these
// is one that has lost everything.
const ringSize = 1024

// mark is what the tail remembers of an entry.
type mark struct {
	id   streamID
	hash uint64
}

// ring has the newest entries that the tail has read. It is not safe for concurrent use.
type ring struct {
	marks [ringSize]mark
	n     uint64 // entries so far
}

func (r *ring) push(m mark) {
	r.marks[r.n%ringSize] = m
	r.n++
}

// all returns the entries, oldest first.
func (r *ring) all() []mark {
	if r.n <= ringSize {
		return append([]mark(nil), r.marks[:r.n]...)
	}
	at := r.n % ringSize
	return append(append([]mark(nil), r.marks[at:]...), r.marks[:at]...)
}

// cut forgets all entries except for the first ones of all.
func (r *ring) cut(first []mark) {
	*r = ring{}
	for _, m := range first {
		r.push(m)
	}
}
