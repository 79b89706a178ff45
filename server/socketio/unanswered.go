package socketio

import (
	"errors"
	"slices"

	"github.com/zishang520/socket.io/v2/socket"
)

// maxUnanswered is how many acknowledgements a client may owe; the oldest is given
// up for a new one.
const maxUnanswered = 64

var errUnanswered = errors.New("the client left too many events unanswered")

// expects notes that the client is to acknowledge an event. It reports false for
// a client that has not been let in: nothing is sent to it.
func (p *peer) expects(id uint64) bool {
	p.link.mu.Lock()
	if !p.welcomed {
		p.link.mu.Unlock()
		return false
	}
	p.unanswered = append(p.unanswered, id)
	var oldest uint64
	over := len(p.unanswered) > maxUnanswered
	if over {
		oldest = p.unanswered[0]
		p.unanswered = p.unanswered[1:]
	}
	p.link.mu.Unlock()
	if over {
		if ack, waits := p.sock().Acks().LoadAndDelete(oldest); waits {
			ack(nil, errUnanswered)
		}
	}
	return true
}

// answered takes the one who waits for the acknowledgement of an event.
func (p *peer) answered(id uint64) (socket.Ack, bool) {
	p.link.mu.Lock()
	p.unanswered = slices.DeleteFunc(p.unanswered, func(owed uint64) bool { return owed == id })
	p.link.mu.Unlock()
	return p.sock().Acks().LoadAndDelete(id)
}
