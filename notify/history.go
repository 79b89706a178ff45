package notify

import (
	"context"
	"slices"
	"sort"
	"time"
)

// Page is a part of the history.
type Page struct {
	Messages []*Message // oldest first
	// Next is the position to read on from: that of the last message, or without one that of the head.
	// It comes after Messages that are fewer than the limit, or none, when many notifications whose
	// TTL is over follow: then there can be others.
	Next ID
	// Gap is true if there may have been messages after the cursor that the Hub no longer keeps, or if
	// the cursor is of another log.
	Gap bool
}

// History returns messages of the hub rooms after since, each once, oldest first. It returns at
// most limit messages, and at most Options.MaxReplay, which is also the limit for 0. With the zero
// Cursor it returns the newest messages, with All the oldest. To read on, pass Page.Next. History
// omits messages whose TTL is over.
//
// If since is of another epoch, History returns all messages with a gap, and none if since is not
// valid. It waits as Wait does. The error is that of ctx.
func (h *Hub) History(ctx context.Context, hubRooms []string, since Cursor, limit int) (Page, error) {
	if limit <= 0 || limit > h.o.MaxReplay {
		limit = h.o.MaxReplay
	}
	h.Wait(ctx, &since)
	page, older := h.historyInMemory(hubRooms, since, limit)
	if older.until == 0 {
		page.end()
		return page, nil
	}
	archived, to, err := h.readOlder(ctx, older, limit)
	switch {
	case ctx.Err() != nil:
		return Page{}, ctx.Err()
	case err != nil:
		page.Gap = !older.newest // it was lost a moment ago
		page.end()
		return page, nil
	}
	if to < older.until { // messages of the archive come before the rest
		page.Messages = slices.DeleteFunc(page.Messages, func(m *Message) bool { return m.ID.Seq > to })
	}
	page.Messages = mergeHistory(archived, page.Messages, limit, older.newest)
	if to < older.until && len(page.Messages) < limit {
		page.Next.Seq = to
	} else {
		page.end()
	}
	return page, nil
}

// end lets the next page begin after the last message, if there is one.
func (p *Page) end() {
	if n := len(p.Messages); n > 0 {
		p.Next = p.Messages[n-1].ID
	}
}

// older is the part of a History that only the archive has.
type older struct {
	in     []Span
	until  uint64 // 0: there is none
	newest bool   // the newest messages are wanted, else the oldest
}

// historyInMemory is History without the archive.
func (h *Hub) historyInMemory(hubRooms []string, since Cursor, limit int) (page Page, rest older) {
	h.mu.Lock()
	defer h.mu.Unlock()
	page.Next = h.head
	rest.newest = since == Cursor{}
	var after uint64
	switch {
	case rest.newest, since.All:
	case since.Invalid:
		page.Gap = true
		return page, rest
	case since.ID.Epoch != h.head.Epoch:
		page.Gap = true
	default:
		after = h.forks.origin(since.ID.Seq)
		page.Gap = after < since.ID.Seq || h.forks.lostAfter(after) || h.lostAfter(hubRooms, after)
		if after > h.head.Seq {
			page.Gap = true
			return page, rest
		}
	}
	rest.in, rest.until = h.archivedOf(hubRooms, after)
	runs := h.runsAfter(hubRooms, after)
	if rest.newest {
		page.Messages = newestOf(runs, limit, h.o.Now())
	} else {
		page.Messages = oldestOf(runs, limit, h.o.Now())
	}
	return page, rest
}

// lostAfter reports whether one of the rooms had messages after seq that the Hub has trimmed.
func (h *Hub) lostAfter(hubRooms []string, seq uint64) bool {
	for _, name := range hubRooms {
		if h.unarchived(name, h.lostOf(name)) > seq {
			return true
		}
	}
	return false
}

// lostOf returns the highest sequence number that a room may have lost from the index.
func (h *Hub) lostOf(name string) uint64 {
	if r := h.index.table.Room(name); r != nil {
		return r.State.lost
	}
	return h.index.floor
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

// mergeHistory merges messages of the archive with those in memory, each once, and returns the
// newest or the oldest of them.
func mergeHistory(archived, inMemory []*Message, limit int, newest bool) []*Message {
	merged := make([]*Message, 0, len(archived)+len(inMemory))
	for len(archived) > 0 || len(inMemory) > 0 {
		from := &inMemory
		if len(inMemory) == 0 ||
			len(archived) > 0 && archived[0].ID.Seq < inMemory[0].ID.Seq {
			from = &archived
		}
		m := (*from)[0]
		*from = (*from)[1:]
		if n := len(merged); n == 0 || merged[n-1].ID.Seq < m.ID.Seq {
			merged = append(merged, m)
		}
	}
	switch {
	case len(merged) <= limit:
	case newest:
		merged = merged[len(merged)-limit:]
	default:
		merged = merged[:limit]
	}
	return merged
}
