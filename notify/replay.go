package notify

import "sort"

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
		m.cursor = e.msg.ID
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
		buf[n] = Delivery{Recovery: h.endReplay(m)}
		n++
	}
	clear(h.runs) // the scratch holds no room
	return n
}

// catchUp makes the member live when what is left fits into its inbox.
func (m *Member) catchUp(runs []run) {
	if refsIn(runs) > inboxSize {
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

// endReplay ends the replay of a resume at the head.
func (h *Hub) endReplay(m *Member) *Recovery {
	m.lagging, m.replay = false, live
	m.settle()
	return &Recovery{Recovered: !m.missed, Replayed: m.replayed, From: m.from, To: m.cursor.String()}
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

// refsIn counts the refs of runs.
func refsIn(runs []run) (n int) {
	for _, r := range runs {
		n += len(r.refs)
	}
	return n
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
