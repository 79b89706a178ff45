package notify

import (
	"slices"
	"sort"

	"github.com/roomcast/roomcast/rooms"
)

// everything is the reason of a member that asked for all that is retained, which is never a gap.
const everything = "all"

// run is what one room still has for a member: refs after its place.
type run struct {
	room *room
	refs []ref
}

// readIndex is the only replay: it merges the rooms of a lagging member from its cursor on into buf. When the
// rest fits into the inbox it goes there and the member is live again.
func (h *Hub) readIndex(m *Member, buf []Delivery) (n int) {
	if len(buf) == 0 {
		return 0
	}
	if gap := h.account(m); gap != nil {
		buf[0] = Delivery{Gap: gap}
		m.missed = true
		n = 1
	}
	runs := h.pendingRuns(m)
	for n < len(buf) && len(runs) > 0 {
		var e *entry
		e, runs = next(runs)
		m.cursor.Seq = e.msg.ID.Seq
		if m.excepted(e.msg) {
			continue
		}
		buf[n] = Delivery{Message: e.msg}
		m.replayed++
		n++
	}
	switch {
	case m.replay == live:
		m.catchUp(runs)
	case len(runs) == 0 && n < len(buf):
		buf[n] = Delivery{Recovery: h.recover(m)}
		n++
	}
	clear(h.runs) // the scratch holds no room
	return n
}

// catchUp makes the member live when what is left fits into its inbox.
func (m *Member) catchUp(runs []run) {
	left := 0
	for _, r := range runs {
		left += len(r.refs)
	}
	if left > inboxSize {
		return
	}
	m.lagging = false
	for len(runs) > 0 {
		var e *entry
		e, runs = next(runs)
		if !m.excepted(e.msg) {
			m.put(e.msg, m.cursor)
		}
	}
}

// recover ends the replay of a resume at the head.
func (h *Hub) recover(m *Member) *Recovery {
	m.lagging, m.replay = false, live
	m.settle()
	return &Recovery{Recovered: !m.missed, Replayed: m.replayed, From: m.from, To: m.cursor.String()}
}

// account finds what the member has lost since its cursor and returns the gap, or nil. What it tells it tells
// once: the place of the member in each room moves behind it.
func (h *Hub) account(m *Member) *Gap {
	gap := Gap{ID: m.cursor, Reason: m.reason}
	if !m.cursor.IsZero() {
		gap.From = m.cursor.String()
	}
	switch m.reason {
	case GapInvalid, GapAhead:
		m.cursor = ID{h.head.Epoch, m.base}
		gap.ID = m.cursor
	case GapEpoch, everything:
		m.cursor = ID{Epoch: h.head.Epoch}
	}
	to := m.cursor.Seq
	in := m.seat.Rooms()
	for i := range in {
		lost := in[i].Room.State.lost
		if lost > max(m.cursor.Seq, in[i].JoinedAt) {
			in[i].JoinedAt = lost
			to = max(to, lost)
			gap.Rooms = append(gap.Rooms, in[i].Room.Name)
			gap.Reason = firstOf(gap.Reason, GapTrimmed)
		}
	}
	if m.replay == starting {
		m.replay = replaying
		if cut := h.skip(m, &gap); cut > 0 {
			to = max(to, cut)
			gap.Reason = firstOf(m.reason, GapTooMany)
		}
	}
	if m.reason != "" {
		gap.Rooms = m.rooms(func(string) bool { return true })
	}
	asked := m.reason == everything
	m.reason = ""
	if gap.Reason == "" || asked {
		return nil
	}
	gap.To = ID{h.head.Epoch, to}.String()
	gap.Rooms = bare(gap.Rooms)
	return &gap
}

// skip moves the cursor of a member with more than MaxReplay messages pending to the last one that it will not
// get, and returns the seq of that one, or 0.
func (h *Hub) skip(m *Member, gap *Gap) uint64 {
	runs := h.pendingRuns(m)
	left := 0
	for _, r := range runs {
		left += len(r.refs)
	}
	if left <= h.o.MaxReplay {
		return 0 // without counting those that stand in several rooms
	}
	for wanted := 0; ; {
		var newest *entry
		for i := range runs {
			if refs := runs[i].refs; len(refs) > 0 && (newest == nil || refs[len(refs)-1].seq > newest.msg.ID.Seq) {
				newest = refs[len(refs)-1].entry
			}
		}
		if newest == nil {
			return 0
		}
		if !m.excepted(newest.msg) {
			if wanted++; wanted > h.o.MaxReplay {
				m.cursor.Seq = newest.msg.ID.Seq
				break
			}
		}
		for i := range runs {
			if refs := runs[i].refs; len(refs) > 0 && refs[len(refs)-1].entry == newest {
				runs[i].refs = refs[:len(refs)-1]
			}
		}
	}
	for _, r := range runs {
		if len(r.refs) > 0 && !slices.Contains(gap.Rooms, r.room.Name) {
			gap.Rooms = append(gap.Rooms, r.room.Name)
		}
	}
	return m.cursor.Seq
}

// pendingRuns returns a heap, by the seq of the next ref, of what the rooms of m hold for it.
func (h *Hub) pendingRuns(m *Member) []run {
	runs := h.runs[:0]
	in := m.seat.Rooms()
	for i := range in {
		kept := in[i].Room.State.kept.all()
		after := max(m.cursor.Seq, in[i].JoinedAt)
		if len(kept) == 0 || kept[len(kept)-1].seq <= after {
			continue
		}
		from := sort.Search(len(kept), func(k int) bool { return kept[k].seq > after })
		runs = append(runs, run{in[i].Room, kept[from:]})
	}
	h.runs = runs
	for i := len(runs)/2 - 1; i >= 0; i-- {
		down(runs, i)
	}
	return runs
}

// next takes the oldest entry off the runs, out of every run that has it.
func next(runs []run) (*entry, []run) {
	oldest := runs[0].refs[0]
	for len(runs) > 0 && runs[0].refs[0].seq == oldest.seq {
		if runs[0].refs = runs[0].refs[1:]; len(runs[0].refs) == 0 {
			runs[0] = runs[len(runs)-1]
			runs = runs[:len(runs)-1]
		}
		down(runs, 0)
	}
	return oldest.entry, runs
}

// down restores the heap below i.
func down(runs []run, i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(runs); child++ {
			if runs[child].refs[0].seq < runs[least].refs[0].seq {
				least = child
			}
		}
		if least == i {
			return
		}
		runs[i], runs[least] = runs[least], runs[i]
		i = least
	}
}

// excepted reports whether the member is in a room that does not get msg.
func (m *Member) excepted(msg *Message) bool {
	for _, name := range msg.Except {
		if m.in(name) {
			return true
		}
	}
	return false
}

// epochLost makes the member start over in a new epoch, of which it gets everything.
func (m *Member) epochLost() {
	in := m.seat.Rooms()
	for i := range in {
		in[i].JoinedAt = 0
	}
	m.base = 0
	if m.reason == "" {
		m.reason = GapEpoch
	}
}

func firstOf(reason, other string) string {
	if reason != "" {
		return reason
	}
	return other
}

// bare takes the namespace off the names of hub rooms.
func bare(names []string) []string {
	for i, name := range names {
		_, names[i] = rooms.Split(name)
	}
	return names
}
