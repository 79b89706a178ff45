package notify

import "slices"

// maxForks is how many forks the Hub knows. The history before older ones is no longer kept.
const maxForks = 64

// forks are the parts of the log's epoch whose ids can be those of lost messages, oldest first.
type forks []Fork

// add adds a fork. It reports whether no other one that is known begins where it does.
func (f *forks) add(of Fork) (isFirst bool) {
	if of.From.Seq >= of.To.Seq || len(*f) > 0 && (*f)[len(*f)-1] == of {
		return false
	}
	isFirst = !slices.ContainsFunc(*f, func(other Fork) bool { return other.From == of.From })
	if len(*f) == maxForks {
		*f = slices.Delete(*f, 0, 1)
	}
	*f = append(*f, of)
	return isFirst
}

// origin returns the last position up to seq that is of the present history for sure: seq itself, if
// it is in no fork. A later fork can have lost the begin of an earlier one, so their order counts.
func (f forks) origin(seq uint64) uint64 {
	for _, fork := range f {
		if seq > fork.From.Seq && seq <= fork.To.Seq {
			seq = fork.From.Seq
		}
	}
	return seq
}

// lostAfter reports whether what a fork has lost came after a position that was before it.
func (f forks) lostAfter(seq uint64) bool {
	return slices.ContainsFunc(f, func(fork Fork) bool { return seq <= fork.From.Seq })
}

// noteFork lets cursors in a fork resume at its begin. All members get a gap, because what is lost may
// have been for them and this node has not read it; if it has, goBack has told them.
func (h *Hub) noteFork(f Fork, woken *wakeList) {
	h.publishing.Lock()
	defer h.publishing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.forks.add(f) {
		return
	}
	for _, m := range h.members {
		h.letLag(m, woken)
		m.doubt()
	}
}

// doubt lets a member go on where it is, after a gap.
func (m *Member) doubt() {
	if m.reason != "" {
		return // it gets one already
	}
	m.reason = GapEpoch
	in := m.seat.Rooms()
	for i := range in {
		in[i].JoinedAt = max(in[i].JoinedAt, m.cursor.Seq)
	}
}

// goBack is for a log that has lost all after a position of its epoch. The history before it stays.
// The members lag already.
func (h *Hub) goBack(to ID) {
	h.forks.add(Fork{to, h.head})
	h.index.cutAfter(to.Seq)
	h.retained.rebase()
	h.retained.loaded.Seq = min(h.retained.loaded.Seq, to.Seq)
	for _, m := range h.members {
		m.goBack(to.Seq)
	}
}

// goBack lets a member that has got lost messages start again where they began. One that has got
// none goes on reading. Both get a gap.
func (m *Member) goBack(to uint64) {
	lost := m.cursor.Seq > to && m.cursor.Epoch == m.h.head.Epoch && m.reason == ""
	m.doubt()
	m.base = min(m.base, to)
	owes := lost || m.h.owes(m)
	if o := m.h.handouts[m]; o != nil {
		o.parts = nil // of positions that are no longer those of the messages
	}
	last := int64(0) // of the messages that were retained, see rebase
	if m.h.retained.shared {
		last = int64(to)
	}
	in := m.seat.Rooms()
	for i := range in {
		if lost || in[i].JoinedAt > to {
			in[i].JoinedAt = to
		}
		if owes {
			m.h.owe(m, in[i].Room.Name, everFrom, last)
		}
	}
}

// cutAfter drops the messages after seq.
func (x *index) cutAfter(seq uint64) {
	all := x.fifo.all()
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i]
		if e.seq <= seq {
			break
		}
		x.undo(e)
	}
	x.fifo.filter(func(e *entry) bool { return e.held > 0 })
	x.dead = 0
	x.floor = min(x.floor, seq)
	var idle []*room
	x.table.All(func(r *room) bool {
		r.State.lost, r.State.trimmed = min(r.State.lost, seq), min(r.State.trimmed, seq)
		if r.Len() == 0 && r.State.kept.len() == 0 {
			idle = append(idle, r)
		}
		return true
	})
	for _, r := range idle {
		x.release(r)
	}
}

// undo removes the newest entry from all rooms that hold it.
func (x *index) undo(e *entry) {
	m := e.msg
	if m == nil {
		return // no room holds it
	}
	for _, name := range m.Rooms {
		r := x.table.Room(name)
		if r == nil || r.State.kept.len() == 0 || r.State.kept.last().entry != e {
			continue
		}
		r.State.kept.popLast()
		if r.State.kept.len() == 0 {
			x.bytes -= roomBytes(name)
		}
		x.shares.Charge(&r.State.cost, -perRoom(m))
		x.unhold(e)
	}
}
