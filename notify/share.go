package notify

import (
	"cmp"
	"slices"
)

// The share of one holder in a bounded memory. When the memory is full, the Hub drops the oldest
// entries of holders above their share before those of others.
const (
	historyShare = 4  // a room: a quarter of Options.HistoryMaxBytes
	sessionShare = 10 // a user or an address: a tenth of Options.MaxSessions or MaxSessionBytes
)

// shares finds the holders above their share of a bounded memory, so that one holder cannot take
// the memory of all.
type shares[T any] struct {
	limit int64         // bytes of one holder
	heavy []*holding[T] // above the limit: a few, because it is a large part of the memory
}

// holding is the memory of one holder.
type holding[T any] struct {
	of    T
	bytes int64
}

// charge adds bytes, which may be negative, to a holding.
func (s *shares[T]) charge(h *holding[T], bytes int64) {
	before := h.bytes > s.limit
	h.bytes += bytes
	switch after := h.bytes > s.limit; {
	case after && !before:
		s.heavy = append(s.heavy, h)
	case before && !after:
		s.heavy = slices.DeleteFunc(s.heavy, func(other *holding[T]) bool { return other == h })
	}
}

// heaviest returns the largest holding above the limit, or nil.
func (s *shares[T]) heaviest() *holding[T] {
	if len(s.heavy) == 0 {
		return nil
	}
	return slices.MaxFunc(s.heavy, func(a, b *holding[T]) int {
		return cmp.Compare(a.bytes, b.bytes)
	})
}
