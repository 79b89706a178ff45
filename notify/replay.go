package notify

import (
	"sort"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

// run is the part of one room that a member has not read: the refs after its position.
type run struct {
	room *room
	refs []ref
}

// readIndex fills buf with the next messages of a lagging member, merged from its rooms in order.
// When the remaining messages fit into the inbox, it moves them there, and the member is live
// again. Messages that are no longer in memory come from the archive. There is no other replay.
func (h *Hub) readIndex(m *Member, buf []Delivery) (n int, bytes int64) {
	if len(buf) == 0 {
		return 0, 0
	}
	if gap := h.account(m); gap != nil {
		buf[0] = Delivery{Gap: gap}
		m.missed = true
		h.counters.gap(gap.Reason)
		n = 1
	}
	n, bytes, owes := h.handOut(m, buf, n)
	if owes {
		return n, bytes
	}
	if until := h.archived(m); until > 0 {
		if n < len(buf) {
			more, size := h.readArchive(m, buf[n:], until)
			n, bytes = n+more, bytes+size
		}
		return n, bytes
	}
	runs, now := h.pendingRuns(m), h.o.Now()
	for n < len(buf) && len(runs) > 0 && bytes < pullBytes {
		var e *entry
		e, runs = next(runs)
		m.cursor = e.msg.ID
		if !m.wants(e.msg, now) {
			continue
		}
		buf[n] = Delivery{Message: e.msg}
		m.replayed++
		n++
		bytes += e.msg.cost
	}
	switch {
	case m.replay == live:
		m.catchUp(runs, now)
	case len(runs) == 0 && n < len(buf):
		buf[n] = Delivery{Recovery: h.endReplay(m)}
		n++
	}
	// The scratch space must not keep rooms alive.
	clear(h.runs)
	return n, bytes
}

// catchUp makes the member live if the remaining messages fit into its inbox.
func (m *Member) catchUp(runs []run, now time.Time) {
	if refsIn(runs) > inboxSize || bytesIn(runs) > inboxBytes {
		return
	}
	m.lagging = false
	m.h.lagging--
	for len(runs) > 0 {
		var e *entry
		e, runs = next(runs)
		if m.wants(e.msg, now) {
			m.put(e.msg, m.cursor, largest)
		}
	}
}

// endReplay ends the replay of a resume at the head.
func (h *Hub) endReplay(m *Member) *Recovery {
	m.lagging, m.replay = false, live
	h.lagging--
	h.counters.replays++
	h.counters.replayed += uint64(m.replayed)
	m.settle()
	return &Recovery{Recovered: !m.missed, Replayed: m.replayed, From: m.from,
		To: m.cursor.String()}
}

// pendingRuns returns the refs that m has not read, as a heap of runs by the sequence number of
// their next ref.
func (h *Hub) pendingRuns(m *Member) []run {
	runs := h.runs[:0]
	in := m.seat.Rooms()
	for i := range in {
		kept := in[i].Room.State.kept.all()
		after := m.readIn(&in[i])
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

// readIn returns the sequence number up to which the member has read a room.
func (m *Member) readIn(in *rooms.Membership[*Member, shelf]) uint64 {
	return max(m.cursor.Seq, in.JoinedAt)
}

// refsIn counts the refs of runs.
func refsIn(runs []run) (n int) {
	for _, r := range runs {
		n += len(r.refs)
	}
	return n
}

// bytesIn adds up the cost of the messages in runs. A message in several runs counts several times.
func bytesIn(runs []run) (n int64) {
	for _, r := range runs {
		for _, ref := range r.refs {
			n += ref.entry.msg.cost
		}
	}
	return n
}

// next removes the oldest entry from every run that has it, and returns it.
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

// down restores the heap order below i.
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

// wants reports whether the member gets a message of its rooms. It does not get messages that
// exclude it, nor expired ones from before its attach.
func (m *Member) wants(msg *Message, now time.Time) bool {
	return !m.excepted(msg) && (msg.ID.Seq > m.base || !msg.over(now))
}

// over reports whether the TTL of a message has passed. Such a message is not replayed. A jump of the
// clock changes nothing for messages whose timestamp is that of this node.
func (m *Message) over(now time.Time) bool { return m.TTL > 0 && !now.Before(m.expires()) }

// expires returns the end of the TTL of a message that has one.
func (m *Message) expires() time.Time {
	from := m.Timestamp
	if m.accepted.Truncate(time.Millisecond).Equal(from) {
		from = m.accepted // with a monotonic reading
	}
	return from.Add(m.TTL)
}

// excepted reports whether the member is in a room that a message excludes.
func (m *Member) excepted(msg *Message) bool {
	for _, name := range msg.Except {
		if m.in(name) {
			return true
		}
	}
	return false
}
