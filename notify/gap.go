package notify

import (
	"slices"

	"github.com/roomcast/roomcast/rooms"
)

// The reasons of a Gap.
const (
	GapTrimmed = "trimmed"  // history no longer holds it
	GapEpoch   = "epoch"    // the cursor is of another log; what is retained follows
	GapAhead   = "ahead"    // the cursor is after the head; from now
	GapInvalid = "invalid"  // the cursor is no id; from now
	GapTooMany = "too_many" // more than Options.MaxReplay; the newest follow

	everything = "all" // of a member that asked for all that is retained: never told
)

// Gap tells that messages after From, up to To and including it, may be missing in Rooms.
type Gap struct {
	From   string   `json:"from"` // the cursor, "" when it was no id
	To     string   `json:"to"`
	Rooms  []string `json:"rooms"` // without namespace
	Reason string   `json:"reason"`

	// ID is what goes out as the id: the old cursor while there is more to come after it, else (ahead, invalid)
	// the new one.
	ID ID `json:"-"`
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
		if lost := m.lostIn(&in[i]); lost > max(m.cursor.Seq, in[i].JoinedAt) {
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

// lostIn returns up to which seq a room has lost what the member may want.
func (m *Member) lostIn(in *rooms.Membership[*Member, shelf]) uint64 {
	lost := in.Room.State.lost
	if trimmed := in.Room.State.trimmed; trimmed > m.base {
		lost = max(lost, trimmed) // after the attach: live, whatever its TTL
	}
	return lost
}

// skip moves the cursor of a member with more than MaxReplay messages pending to the last one that it will not
// get, and returns the seq of that one, or 0. It adds the rooms that have such to the gap.
func (h *Hub) skip(m *Member, gap *Gap) uint64 {
	runs := h.pendingRuns(m)
	if refsIn(runs) <= h.o.MaxReplay {
		return 0
	}
	// More refs, but not always more messages: one may stand in several rooms or be excepted.
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
		if len(r.refs) > 0 && !slices.Contains(gap.Rooms, r.room.Name) {
			gap.Rooms = append(gap.Rooms, r.room.Name)
		}
	}
	m.cursor.Seq = e.msg.ID.Seq
	return m.cursor.Seq
}

// newest returns the entry with the highest seq of runs, or nil.
func newest(runs []run) (e *entry) {
	seq := uint64(0)
	for _, r := range runs {
		if n := len(r.refs); n > 0 && r.refs[n-1].seq > seq {
			seq, e = r.refs[n-1].seq, r.refs[n-1].entry
		}
	}
	return e
}

// dropNewest takes the newest entry out of every run that has it.
func dropNewest(runs []run, e *entry) {
	for i, r := range runs {
		if n := len(r.refs); n > 0 && r.refs[n-1].entry == e {
			runs[i].refs = r.refs[:n-1]
		}
	}
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
