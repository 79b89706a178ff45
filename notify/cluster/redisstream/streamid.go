package redisstream

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/roomcast/roomcast/notify"
)

// streamID is the id that the stream gives an entry. Other applications can give ids that notify.ID
// cannot represent; the tail reads past them.
type streamID struct{ ms, n uint64 }

// bumpAt is the number of an entry within its millisecond from which the log continues with the next
// millisecond. A notify.ID has numbers up to twice that.
const bumpAt = 1 << (notify.StreamBits - 1)

// maxID is the length of the longest text of an id: two numbers of 64 bits.
const maxID = 20 + 1 + 20

func parseID(text string) (id streamID, ok bool) {
	ms, n, _ := strings.Cut(text, "-")
	var err1, err2 error
	id.ms, err1 = strconv.ParseUint(ms, 10, 64)
	id.n, err2 = strconv.ParseUint(n, 10, 64)
	return id, err1 == nil && err2 == nil
}

func (s streamID) String() string {
	return string(strconv.AppendUint(append(strconv.AppendUint(nil, s.ms, 10), '-'), s.n, 10))
}

func (s streamID) compare(other streamID) int {
	return cmp.Or(cmp.Compare(s.ms, other.ms), cmp.Compare(s.n, other.n))
}

// id returns the id of a message.
func (s streamID) id() (notify.ID, bool) { return notify.StreamID(s.ms, s.n) }

// position returns id, or the nearest one.
func (s streamID) position() notify.ID {
	if id, ok := s.id(); ok {
		return id
	}
	if _, ok := notify.StreamID(s.ms, 0); ok {
		s.n = 1<<notify.StreamBits - 1 // n is too large
		id, _ := s.id()
		return id
	}
	if s.ms>>(64-notify.StreamBits) == 0 { // ms is too small
		return notify.ID{Epoch: notify.StreamEpoch}
	}
	return notify.ID{Epoch: notify.StreamEpoch, Seq: math.MaxUint64}
}

// next returns the first id of the next millisecond.
func (s streamID) next() streamID { return streamID{s.ms + 1, 0} }

// isTooLate reports whether no id after this one can be that of a message.
func (s streamID) isTooLate() bool { return s.next().position().Seq == math.MaxUint64 }
