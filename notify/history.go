package notify

import (
	"slices"
	"sort"
	"time"
)

// History returns what the hub rooms keep after since, each message once, oldest first: at most limit messages, of
// which Options.MaxReplay is the most and, with limit 0, the default. The zero Cursor asks for the newest ones, All
// for the oldest. To read on, pass the id of the last one. Messages whose TTL is over are not in it.
//
// gap is true when the rooms may have had messages after since that are not kept any more, or when since is of
// another epoch, which returns all that is kept, or no place in this one, which returns nothing.
func (h *Hub) History(hubRooms []string, since Cursor, limit int) (messages []*Message, gap bool) {
	if limit <= 0 || limit > h.o.MaxReplay {
		limit = h.o.MaxReplay
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	newestOnly := since == Cursor{}
	var after uint64
	switch {
	case newestOnly, since.All:
	case since.Invalid, since.ID.Epoch == h.head.Epoch && since.ID.Seq > h.head.Seq:
		return nil, true
	case since.ID.Epoch != h.head.Epoch:
		gap = true
	default:
		after = since.ID.Seq
		gap = h.lostAfter(hubRooms, after)
	}
	runs := h.runsAfter(hubRooms, after)
	if newestOnly {
		return newestOf(runs, limit, h.o.Now()), false
	}
	return oldestOf(runs, limit, h.o.Now()), gap
}

// lostAfter reports whether one of the rooms had messages after seq that are trimmed.
func (h *Hub) lostAfter(hubRooms []string, seq uint64) bool {
	for _, name := range hubRooms {
		lost := h.index.floor
		if r := h.index.table.Room(name); r != nil {
			lost = r.State.lost
		}
		if lost > seq {
			return true
		}
	}
	return false
}

// runsAfter returns a heap, by the seq of the next ref, of what the rooms keep after seq. It is made anew: a caller
// of History may hold up the others for the length of one reading, not take their scratch.
func (h *Hub) runsAfter(hubRooms []string, seq uint64) (runs []run) {
	for _, name := range hubRooms {
		r := h.index.table.Room(name)
		if r == nil {
			continue
		}
		kept := r.State.kept.all()
		if from := sort.Search(len(kept), func(k int) bool { return kept[k].seq > seq }); from < len(kept) {
			runs = append(runs, run{r, kept[from:]})
		}
	}
	for i := len(runs)/2 - 1; i >= 0; i-- {
		down(runs, i)
	}
	return runs
}

func oldestOf(runs []run, limit int, now time.Time) (messages []*Message) {
	for len(runs) > 0 && len(messages) < limit {
		var e *entry
		if e, runs = next(runs); !e.msg.over(now) {
			messages = append(messages, e.msg)
		}
	}
	return messages
}

func newestOf(runs []run, limit int, now time.Time) (messages []*Message) {
	for e := newest(runs); e != nil && len(messages) < limit; e = newest(runs) {
		if dropNewest(runs, e); !e.msg.over(now) {
			messages = append(messages, e.msg)
		}
	}
	slices.Reverse(messages)
	return messages
}
