package disklog

import (
	"cmp"
	"slices"
	"strings"
)

// roomShare is the part of Options.MaxBytes that a room may have while others need the space: a
// quarter, as in memory.
const roomShare = 4

// notedPart is the least part of a chunk that is noted for a room: a thirty-second. So a chunk has few
// notes, however many rooms there are, and a room has little that is not noted.
const notedPart = 32

// holding is a room with the bytes that the full chunks note for it.
type holding struct {
	room  string
	bytes int64
}

// shares finds the rooms that have more than their share of the log. It knows only rooms with a large
// part of a chunk.
type shares struct {
	limit int64
	noted map[string]*holding
	heavy []*holding // above the limit: a few, because it is a large part of the log
}

// charge adds bytes, which may be negative, to what is noted for a room.
func (s *shares) charge(h *holding, bytes int64) {
	before := h.bytes > s.limit
	h.bytes += bytes
	switch after := h.bytes > s.limit; {
	case after && !before:
		s.heavy = append(s.heavy, h)
	case before && !after:
		s.heavy = slices.DeleteFunc(s.heavy, func(other *holding) bool { return other == h })
	}
	if h.bytes <= 0 {
		delete(s.noted, h.room)
	}
}

// of returns the holding of a room. It creates the holding if there is none.
func (s *shares) of(room string) *holding {
	h := s.noted[room]
	if h == nil {
		h = &holding{room: strings.Clone(room)} // the name may be a part of a large text
		if s.noted == nil {
			s.noted = make(map[string]*holding)
		}
		s.noted[h.room] = h
	}
	return h
}

// heaviest returns the room with the most above the limit, or nil.
func (s *shares) heaviest() *holding {
	if len(s.heavy) == 0 {
		return nil
	}
	return slices.MaxFunc(s.heavy, func(a, b *holding) int { return cmp.Compare(a.bytes, b.bytes) })
}
