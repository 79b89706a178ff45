package oracle

import (
	"slices"
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// Reader is what one client wrote down, across all its connections.
type Reader struct {
	book     *Book
	name     string
	channels []string

	mu      sync.Mutex // Check reads while the client still runs
	started bool
	start   place // the client is owed what follows
	last    place // the furthest that it saw or that a gap covers
	seen    []sight
	gaps    []gap
}

type sight struct {
	key string
	id  notify.ID
	at  place
}

// gap says that messages of the channels after from, up to and including to, may be missing.
type gap struct {
	from, to place
	channels []string // none: all
	seen     int      // messages before it
}

// Start notes the id at which the membership of the client begins: that of its first `connected`.
// Later calls have no effect. A client that never called it is owed nothing.
func (r *Reader) Start(id string) {
	at := r.place("", id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		r.started, r.start, r.last = true, at, at
	}
}

// See notes that the client received a message.
func (r *Reader) See(key, id string) {
	parsed, err := notify.ParseID(id)
	at := place{epoch: -1}
	if err == nil {
		at = r.place(key, id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, sight{key, parsed, at})
	if at.after(r.last) {
		r.last = at
	}
}

// Gap notes that the server reported a gap. The arguments are the fields of that event.
func (r *Reader) Gap(from, to string, channels ...string) {
	g := gap{from: place{epoch: -1}, to: r.place("", to), channels: channels}
	if from != "" {
		g.from = r.place("", from)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	g.seen = len(r.seen)
	r.gaps = append(r.gaps, g)
	if g.to.after(r.last) {
		r.last = g.to
	}
}

// GapAfterRecovered is the fault that a server recovers a client, and reports a gap then. In a Forked
// book it is none: the server learned of the loss later.
const GapAfterRecovered = "a gap after recovered"

// Fault notes that the server said something that is not so.
func (r *Reader) Fault(text string) {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	if r.book.Forked && text == GapAfterRecovered {
		return
	}
	r.book.found = append(r.book.found, Violation{Untrue, r.name, text, ""})
}

func (r *Reader) place(key, id string) place {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	return r.book.place(r.book.parse(r.name, key, id))
}

// owed reports whether the client must have received a message, or a gap that covers it. The caller
// holds mu.
func (r *Reader) owed(channel string, at place) bool {
	return r.started && slices.Contains(r.channels, channel) && at.after(r.start)
}

// covered reports whether a gap covers a message. The caller holds mu.
func (r *Reader) covered(channel string, at place) bool {
	return slices.ContainsFunc(r.gaps, func(g gap) bool {
		return at.after(g.from) && !at.after(g.to) &&
			(len(g.channels) == 0 || slices.Contains(g.channels, channel))
	})
}
