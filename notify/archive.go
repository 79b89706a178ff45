package notify

import (
	"errors"
	"slices"
)

// ErrTrimmed is the error of an Archive that no longer has the messages.
var ErrTrimmed = errors.New("the messages are no longer kept")

// Archive is a Log that keeps more messages than the Hub has in memory. The Hub calls its methods
// from any goroutine, those that read without a lock.
type Archive interface {
	Log

	// Floor returns the sequence number up to which messages are lost. It never goes down.
	Floor() uint64

	// Read returns the first messages of rooms, merged and each once: those of each Span, up to and
	// including until, at most limit, and fewer when they have more than maxBytes together. all
	// says that there are no others. Read returns ErrTrimmed, and Floor the new floor, if messages
	// of a span may be lost.
	Read(in []Span, until uint64, limit int, maxBytes int64) (messages []*Message, all bool, err error)

	// Newest returns the last messages of the spans, up to and including until, at most limit,
	// oldest first. It leaves out those that are lost.
	Newest(in []Span, until uint64, limit int) ([]*Message, error)
}

// Span is the part of a hub room after a sequence number.
type Span struct {
	Room  string
	After uint64
}

// unarchived returns the part of what the index has lost, up to a sequence number, that the archive
// has lost, too.
func (h *Hub) unarchived(lost uint64) uint64 {
	if h.archive == nil {
		return lost
	}
	return min(lost, h.archive.Floor())
}

// archived returns up to which sequence number the member has to read the archive, because the index
// has trimmed its rooms up to there, or 0.
func (h *Hub) archived(m *Member) (until uint64) {
	if h.archive == nil {
		return 0
	}
	in := m.seat.Rooms()
	for i := range in {
		state := &in[i].Room.State
		if trimmed := max(state.lost, state.trimmed); trimmed > m.readIn(&in[i]) {
			until = max(until, trimmed)
		}
	}
	return until
}

// readArchive fills buf with the next messages of a member, up to a sequence number. It releases the
// lock while it reads.
func (h *Hub) readArchive(m *Member, buf []Delivery, until uint64) (n int, bytes int64) {
	in := make([]Span, 0, len(m.seat.Rooms()))
	for i, of := range m.seat.Rooms() {
		in = append(in, Span{of.Room.Name, m.readIn(&m.seat.Rooms()[i])})
	}
	before := m.cursor
	h.mu.Unlock()
	page, all, err := h.archive.Read(in, until, len(buf), pullBytes)
	m.lock()
	if err != nil || m.detached || m.cursor != before || m.reason != "" {
		return 0, 0 // the next call accounts for what was lost meanwhile
	}
	now := h.o.Now()
	for _, msg := range page {
		msg.cost = cost(msg)
		m.cursor = msg.ID
		if m.wants(msg, now) {
			buf[n] = Delivery{Message: msg}
			m.replayed++
			n++
			bytes += msg.cost
		}
	}
	if all {
		m.cursor.Seq = max(m.cursor.Seq, until)
	}
	return n, bytes
}

// archivedOf returns the part of rooms after a sequence number that the archive may have, if the
// index has trimmed one of them.
func (h *Hub) archivedOf(hubRooms []string, after uint64) (in []Span, until uint64) {
	if h.archive == nil {
		return nil, 0
	}
	for _, name := range hubRooms {
		if trimmed := h.lostOf(name); trimmed > after {
			until = max(until, trimmed)
		}
		in = append(in, Span{name, max(after, h.archive.Floor())})
	}
	return in, until
}

// readOlder reads the part of a History that only the archive has.
func (h *Hub) readOlder(of older, limit int) (messages []*Message, err error) {
	if of.newest {
		messages, err = h.archive.Newest(of.in, of.until, limit)
	} else {
		messages, _, err = h.archive.Read(of.in, of.until, limit, h.o.HistoryMaxBytes)
	}
	now := h.o.Now()
	return slices.DeleteFunc(messages, func(m *Message) bool { return m.over(now) }), err
}
