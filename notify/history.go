package notify

import (
	"slices"
	"sort"
	"time"
)

// History returns messages of the hub rooms after since, each once, oldest first. It returns at
// most limit messages, and at most Options.MaxReplay, which is also the limit for 0. With the zero
// Cursor it returns the newest messages, with All the oldest. To read on, pass the id of the last
// message. History omits messages whose TTL is over.
//
// gap is true if the rooms may have had messages after since that the Hub no longer keeps. gap is
// also true if since is of another epoch, then History returns all messages, or if since is not
// valid, then it returns none.
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

// lostAfter reports whether one of the rooms had messages after seq that the Hub has trimmed.
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

// runsAfter returns the refs of the rooms after seq, as a heap by the seq of the next ref. It
// allocates the heap, because the scratch memory h.runs belongs to replays.
func (h *Hub) runsAfter(hubRooms []string, seq uint64) (runs []run) {
	for _, name := range hubRooms {
		r := h.index.table.Room(name)
		if r == nil {
			continue
		}
		kept := r.State.kept.all()
		from := sort.Search(len(kept), func(k int) bool { return kept[k].seq > seq })
		if from < len(kept) {
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
