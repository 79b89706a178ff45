package notify

import (
	"time"

	"github.com/roomcast/roomcast/rooms"
)

const (
	// maxLate is how many changes wait. Above it they are reported by who makes them, out of order.
	maxLate = 1 << 16
	// closeWait is how long Close waits for a function of OnRoomChange.
	closeWait = 2 * time.Second
)

// lateChanges are the changes that the reader of the log has made, until they are reported. The reader
// does not report them: a function that publishes would wait for the reader. Further changes of their
// members and rooms wait behind them. The Hub's lock guards the fields.
type lateChanges struct {
	queue   deque[RoomChange]
	members map[*Member]int // that the queue has, and how often
	rooms   map[string]int
	ended   chan struct{} // closed when the goroutine that reports has ended; nil: there is none
}

// holds reports whether changes of the room wait for this one. In the room of all members only the
// first and the last do: else every client that comes or goes would wait.
func (c RoomChange) holds() bool {
	if c.Kind == RoomCreated || c.Kind == RoomDeleted {
		return true
	}
	_, name := rooms.Split(c.Room)
	return name != rooms.All
}

// concern reports whether changes have to wait behind others.
func (l *lateChanges) concern(changes []RoomChange) bool {
	if l.queue.len() == 0 {
		return false
	}
	for _, c := range changes {
		if l.members[c.Member] > 0 || l.rooms[c.Room] > 0 {
			return true
		}
	}
	return false
}

// add reports false if there are too many.
func (l *lateChanges) add(changes []RoomChange) bool {
	if l.queue.len()+len(changes) > maxLate {
		return false
	}
	if l.members == nil {
		l.members, l.rooms = make(map[*Member]int), make(map[string]int)
	}
	for _, c := range changes {
		l.queue.push(c)
		l.members[c.Member]++
		if c.holds() {
			l.rooms[c.Room]++
		}
	}
	return true
}

// done removes the oldest change, which has been reported.
func (l *lateChanges) done() {
	c := l.queue.pop()
	if l.members[c.Member]--; l.members[c.Member] == 0 {
		delete(l.members, c.Member)
	}
	if c.holds() {
		if l.rooms[c.Room]--; l.rooms[c.Room] == 0 {
			delete(l.rooms, c.Room)
		}
	}
	if l.queue.len() == 0 {
		l.members, l.rooms = nil, nil // maps do not shrink
	}
}

// reportLate reports the changes that wait, and ends.
func (h *Hub) reportLate(ended chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.late.queue.len() > 0 {
		c, report := h.late.queue.all()[0], h.roomChanged
		h.mu.Unlock()
		report(c)
		h.mu.Lock()
		h.late.done()
	}
	h.late.ended = nil
	close(ended)
}

// awaitLate waits until the changes are reported, or for closeWait.
func (h *Hub) awaitLate() {
	h.mu.Lock()
	ended := h.late.ended
	h.mu.Unlock()
	if ended == nil {
		return
	}
	timeout := time.NewTimer(closeWait)
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
	}
}
