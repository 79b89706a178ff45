// Package share finds who has more than a share of a bounded space, so that one cannot take the space
// of all.
package share

import (
	"cmp"
	"slices"
)

// Shares knows the holders above their share. The zero value has a limit of 0.
type Shares[T any] struct {
	Limit int64         // bytes of one holder
	heavy []*Holding[T] // above Limit: a few, because it is a large part of the space
}

// Holding is what one holder has. Charge changes Bytes.
type Holding[T any] struct {
	Of    T
	Bytes int64
}

// Charge adds bytes, which may be negative, to a holding.
func (s *Shares[T]) Charge(h *Holding[T], bytes int64) {
	before := h.Bytes > s.Limit
	h.Bytes += bytes
	switch after := h.Bytes > s.Limit; {
	case after && !before:
		s.heavy = append(s.heavy, h)
	case before && !after:
		s.heavy = slices.DeleteFunc(s.heavy, func(other *Holding[T]) bool { return other == h })
	}
}

// Heaviest returns the largest holding above the limit, or nil.
func (s *Shares[T]) Heaviest() *Holding[T] {
	if len(s.heavy) == 0 {
		return nil
	}
	return slices.MaxFunc(s.heavy, func(a, b *Holding[T]) int { return cmp.Compare(a.Bytes, b.Bytes) })
}

// Heavy returns all holdings above the limit, in any order.
func (s *Shares[T]) Heavy() []*Holding[T] { return s.heavy }

// Forget forgets all holdings. Each must begin with 0 bytes again.
func (s *Shares[T]) Forget() { s.heavy = nil }
