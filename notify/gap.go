package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// Reasons of a Gap.
const (
	GapTrimmed = "trimmed"  // the history no longer has the messages
	GapEpoch   = "epoch"    // the cursor is of another log, or of a lost part of it; what is kept follows
	GapAhead   = "ahead"    // the cursor is after the head; new messages follow
	GapInvalid = "invalid"  // the cursor is not an id; new messages follow
	GapTooMany = "too_many" // more than Options.MaxReplay; the newest messages follow

	everything = "all" // the member asked for all retained messages, so there is no gap
)

// Gap reports that messages after From, up to and including To, may be missing in Rooms.
type Gap struct {
	From   string   `json:"from"` // the cursor, "" when it was not an id
	To     string   `json:"to"`
	Rooms  []string `json:"rooms"` // without the namespace
	Reason string   `json:"reason"`

	// ID is the id to write with the gap. It is the old cursor while messages follow, and the new
	// cursor after the reasons ahead and invalid.
	ID ID `json:"-"`
}

// account finds the messages that the member has lost since its cursor and returns the gap, or nil.
// It moves the member's position in each room, so that the next call does not report them again.
func (h *Hub) account(m *Member) *Gap {
	gap := Gap{ID: m.cursor, Reason: m.reason}
	if !m.cursor.IsZero() {
		gap.From = m.cursor.String()
	}
	switch m.reason {
	case GapInvalid, GapAhead:
		m.cursor = ID{h.head.Epoch, m.base}
		gap.ID = m.cursor
	case GapEpoch:
		m.cursor = ID{h.head.Epoch, m.begin()}
	case everything:
		m.cursor = ID{Epoch: h.head.Epoch}
	}
	to := m.cursor.Seq
	in := m.seat.Rooms()
	for i := range in {
		if lost := m.lostIn(&in[i]); lost > m.readIn(&in[i]) {
			// Of what is lost, the member still gets what is retained.
			h.owe(m, in[i].Room.Name, int64(m.readIn(&in[i]))+1, int64(lost))
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

// lostIn returns the highest sequence number that a room has lost and that may have been for the
// member.
func (m *Member) lostIn(in *rooms.Membership[*Member, shelf]) uint64 {
	lost := in.Room.State.lost
	if trimmed := in.Room.State.trimmed; trimmed > m.base {
		lost = max(lost, trimmed) // published after the attach, so its TTL does not matter
	}
	return m.h.unarchived(in.Room.Name, lost)
}

// skip handles a member with more than MaxReplay pending messages. It moves the cursor to the last
// message that the member will not get, adds the affected rooms to the gap, and returns the
// sequence number of that message, or 0.
func (h *Hub) skip(m *Member, gap *Gap) uint64 {
	if h.archive != nil {
		return 0 // it has no such limit, and how many messages are pending there is not known here
	}
	runs := h.pendingRuns(m)
	if refsIn(runs) <= h.o.MaxReplay {
		return 0
	}
	// There may be more refs than messages: a message may be in several rooms, or exclude the
	// member.
	now := h.o.Now()
	e := newest(runs)
	for wanted := h.o.MaxReplay; e != nil; e = newest(runs) {
		if m.wants(e.msg, now) {
			if wanted == 0 {
				break
			}
			wanted--
		}
		dropNewest(runs, e)
	}
	if e == nil {
		return 0
	}
	for _, r := range runs {
		if len(r.refs) > 0 {
			h.owe(m, r.room.Name, int64(r.refs[0].seq), int64(e.msg.ID.Seq))
		}
		if len(r.refs) > 0 && !slices.Contains(gap.Rooms, r.room.Name) {
			gap.Rooms = append(gap.Rooms, r.room.Name)
		}
	}
	m.cursor.Seq = e.msg.ID.Seq
	return m.cursor.Seq
}

// newest returns the entry with the highest sequence number in runs, or nil.
func newest(runs []run) (e *entry) {
	seq := uint64(0)
	for _, r := range runs {
		if n := len(r.refs); n > 0 && r.refs[n-1].seq > seq {
			seq, e = r.refs[n-1].seq, r.refs[n-1].entry
		}
	}
	return e
}

// dropNewest removes an entry from the end of every run that has it.
func dropNewest(runs []run, e *entry) {
	for i, r := range runs {
		if n := len(r.refs); n > 0 && r.refs[n-1].entry == e {
			runs[i].refs = r.refs[:n-1]
		}
	}
}

// begin returns the position after which a member whose cursor was lost reads: that of its rooms,
// without those that it has joined since.
func (m *Member) begin() uint64 {
	seq, in := m.h.head.Seq, m.seat.Rooms()
	for i := range in {
		seq = min(seq, in[i].JoinedAt)
	}
	return seq
}

// epochLost lets the member start again in a new epoch, of which it gets all messages.
func (m *Member) epochLost() {
	if o := m.h.handouts[m]; o != nil {
		o.parts = nil // of positions of the old epoch
	}
	in := m.seat.Rooms()
	for i := range in {
		in[i].JoinedAt = 0
		m.h.owe(m, in[i].Room.Name, everFrom, 0)
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

// bare removes the namespace from hub room names.
func bare(names []string) []string {
	for i, name := range names {
		_, names[i] = rooms.Split(name)
	}
	return names
}
