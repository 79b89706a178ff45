package socketio

import (
	"errors"
	"sync/atomic"
	"time"
)

// attachmentTimeout is how long a packet may wait for its binary attachments.
const attachmentTimeout = 10 * time.Second

// assembly puts a binary packet and its attachments together. Only the session's reader uses it,
// except waiting, which the sweep reads.
type assembly struct {
	packet  *packet
	parts   [][]byte
	size    int
	waiting atomic.Pointer[time.Time] // when the packet arrived; nil: none waits
}

// add takes one message of the transport and returns the packet that it completes, or nil while
// attachments are missing. The packet and its attachments have at most limit bytes.
func (a *assembly) add(
	data []byte, binary bool, limit int, l packetLimits,
) (*packet, error) {
	if binary {
		return a.attachment(data, limit)
	}
	if a.packet != nil {
		return nil, errors.New("a packet came while attachments were awaited")
	}
	p, err := decodePacket(data, l)
	if err != nil {
		return nil, err
	}
	if p.size = len(data); p.attachments == 0 {
		return p, nil
	}
	a.packet, a.parts, a.size = p, make([][]byte, 0, p.attachments), len(data)
	now := time.Now()
	a.waiting.Store(&now)
	return nil, nil
}

func (a *assembly) attachment(data []byte, limit int) (*packet, error) {
	if a.packet == nil {
		return nil, errors.New("an attachment came without a packet")
	}
	if a.size += len(data); a.size > limit {
		return nil, errors.New("a packet and its attachments exceed the payload limit")
	}
	a.parts = append(a.parts, data)
	if len(a.parts) < a.packet.attachments {
		return nil, nil
	}
	p := a.packet
	p.parts, p.size = a.parts, a.size
	a.packet, a.parts, a.size = nil, nil, 0
	a.waiting.Store(nil)
	if _, err := (Args{p.args, p.parts}).Values(); err != nil { // no attachment for a placeholder, or two places for one
		return nil, err
	}
	return p, nil
}

// overdue reports whether a packet has waited too long for its attachments.
func (a *assembly) overdue(now time.Time) bool {
	since := a.waiting.Load()
	return since != nil && now.Sub(*since) > attachmentTimeout
}
