package notify

import (
	"context"
	"errors"
	"math"
	"slices"
)

// ErrTrimmed is the error of an Archive that no longer has the messages.
var ErrTrimmed = errors.New("the messages are no longer kept")

// Archive is a Log that keeps more messages than the Hub has in memory. The Hub calls its methods
// from any goroutine, those that read without a lock.
type Archive interface {
	Log

	// Floor returns the sequence number up to which the messages of a hub room are lost. Those after
	// it are whole. It never goes down.
	Floor(hubRoom string) uint64

	// Read returns the first messages of rooms, merged and each once: those of each Span, up to and
	// including until, at most limit, and fewer when they have more than maxBytes together. all
	// says that there are no others. Read returns ErrTrimmed, and Floor the new floor, if messages
	// of a span may be lost. A message that one of its rooms has lost stays in the others.
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

// unarchived returns the part of what the index has lost of a room, up to a sequence number, that the
// archive has lost, too.
func (h *Hub) unarchived(hubRoom string, lost uint64) uint64 {
	if h.archive == nil || lost == 0 {
		return lost
	}
	return min(lost, h.archive.Floor(hubRoom))
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
// lock while it reads. The archive may have lost messages of a room that the index still has, so it
// merges the messages of both.
func (h *Hub) readArchive(m *Member, buf []Delivery, until uint64) (n int, bytes int64) {
	in := make([]Span, 0, len(m.seat.Rooms()))
	for i, of := range m.seat.Rooms() {
		name := of.Room.Name
		in = append(in, Span{name, max(m.readIn(&m.seat.Rooms()[i]), h.archive.Floor(name))})
	}
	before := m.cursor
	h.mu.Unlock()
	page, all, err := h.archive.Read(in, until, len(buf), pullBytes)
	m.lock()
	if err != nil || m.detached || m.cursor != before || m.reason != "" || h.hasLost(m) {
		return 0, 0 // the next call accounts for what was lost meanwhile
	}
	if !all {
		until = page[len(page)-1].ID.Seq
	}
	runs, now := h.pendingRuns(m), h.o.Now()
	for n < len(buf) && bytes < pullBytes {
		var msg *Message
		if msg, page, runs = earlier(page, runs, until); msg == nil {
			m.cursor.Seq = max(m.cursor.Seq, until)
			break
		}
		m.cursor = msg.ID
		if m.wants(msg, now) {
			buf[n] = Delivery{Message: msg}
			m.replayed++
			n++
			bytes += msg.cost
		}
	}
	clear(h.runs)
	return n, bytes
}

// earlier removes the oldest message from the archived ones and from runs, and returns it. It returns
// nil when there is none up to a sequence number.
func earlier(archived []*Message, runs []run, until uint64) (*Message, []*Message, []run) {
	seq := uint64(math.MaxUint64)
	if len(archived) > 0 {
		seq = archived[0].ID.Seq
	}
	if len(runs) == 0 || runs[0].refs[0].seq > seq {
		if seq > until {
			return nil, archived, runs
		}
		archived[0].cost = cost(archived[0])
		return archived[0], archived[1:], runs
	}
	if runs[0].refs[0].seq > until {
		return nil, archived, runs
	}
	if runs[0].refs[0].seq == seq {
		archived = archived[1:]
	}
	e, runs := next(runs)
	return e.msg, archived, runs
}

// hasLost reports whether a member has lost messages since account has run.
func (h *Hub) hasLost(m *Member) bool {
	in := m.seat.Rooms()
	for i := range in {
		if m.lostIn(&in[i]) > m.readIn(&in[i]) {
			return true
		}
	}
	return false
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
		in = append(in, Span{name, max(after, h.archive.Floor(name))})
	}
	return in, until
}

const (
	maxOlder      = 10_000 // messages that one call reads, those whose TTL is over included
	maxOlderBytes = 64 << 20
	olderPage     = 1024 // messages of one read, if the limit of the call is not higher
)

// readOlder reads the part of a History that only the archive has, without those whose TTL is over. It
// returns the position up to which it has read: it stops before until when it has enough, or has read
// as much as one call may. The error is that of the archive or of ctx.
func (h *Hub) readOlder(ctx context.Context, of older, limit int) (
	messages []*Message, to uint64, err error,
) {
	now := h.o.Now()
	over := func(m *Message) bool { return m.over(now) }
	if of.newest {
		messages, err = h.archive.Newest(of.in, of.until, limit)
		return slices.DeleteFunc(messages, over), of.until, err
	}
	bytes, size := int64(0), limit
	for read := 0; ; size = max(limit, min(2*size, olderPage)) {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		page, all, err := h.archive.Read(of.in, of.until, size, h.o.HistoryMaxBytes)
		if err != nil || all || len(page) == 0 {
			return append(messages, slices.DeleteFunc(page, over)...), of.until, err
		}
		to, full := page[len(page)-1].ID.Seq, len(page) == size
		read += len(page)
		for _, m := range page {
			bytes += cost(m)
		}
		messages = append(messages, slices.DeleteFunc(page, over)...)
		if len(messages) >= limit || !full && len(messages) > 0 ||
			read >= maxOlder || bytes >= maxOlderBytes {
			return messages, to, nil
		}
		for i := range of.in {
			of.in[i].After = max(of.in[i].After, to)
		}
	}
}
