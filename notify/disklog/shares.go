package disklog

import (
	"strings"

	"github.com/roomcast/roomcast/notify/internal/share"
)

// roomShare is the part of Options.MaxBytes that a room may have while others need the space: a
// quarter, as in memory.
const roomShare = 4

// notedPart is the least part of a chunk that is noted for a room: a thirty-second. So a chunk has few
// notes, however many rooms there are, and a room has little that is not noted.
const notedPart = 32

// holding is a room with the bytes that the full chunks note for it.
type holding = share.Holding[string]

// shares finds the rooms that have more than their share of the log. It knows only rooms with a large
// part of a chunk.
type shares struct {
	share.Shares[string]
	noted map[string]*holding
}

// charge adds bytes, which may be negative, to what is noted for a room.
func (s *shares) charge(h *holding, bytes int64) {
	s.Charge(h, bytes)
	if h.Bytes <= 0 {
		delete(s.noted, h.Of)
	}
}

// of returns the holding of a room. It creates the holding if there is none.
func (s *shares) of(room string) *holding {
	h := s.noted[room]
	if h == nil {
		h = &holding{Of: strings.Clone(room)} // the name may be a part of a large text
		if s.noted == nil {
			s.noted = make(map[string]*holding)
		}
		s.noted[h.Of] = h
	}
	return h
}
