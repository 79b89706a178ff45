package socketio

import (
	"errors"
	"sync/atomic"
	"time"
)

// attachmentTimeout is how long a packet may wait for its binary attachments.
const attachmentTimeout = 10 * time.Second

// assembly puts a binary packet and its attachments together. It belongs to the
// session's reader; only waiting is read by others.
type assembly struct {
	packet  *packet
	parts   [][]byte
	size    int
	waiting atomic.Int64 // unix nanoseconds since when attachments are awaited; 0 = none are
}

// add takes one message of the transport and returns the packet it completes,
// nil while attachments are missing. limit bounds the whole packet in bytes.
func (a *assembly) add(data []byte, binary bool, limit int) (*packet, error) {
	if binary {
		return a.attachment(data, limit)
	}
	if a.packet != nil {
		return nil, errors.New("a packet came while attachments were awaited")
	}
	p, err := decodePacket(data)
	if err != nil || p.attachments == 0 {
		return p, err
	}
	a.packet, a.parts, a.size = p, make([][]byte, 0, p.attachments), len(data)
	a.waiting.Store(time.Now().UnixNano())
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
	p.parts = a.parts
	a.packet, a.parts, a.size = nil, nil, 0
	a.waiting.Store(0)
	if _, err := (Args{p.args, p.parts}).Values(); err != nil { // a placeholder of no attachment
		return nil, err
	}
	return p, nil
}

// overdue reports whether attachments have been awaited for too long.
func (a *assembly) overdue(now time.Time) bool {
	since := a.waiting.Load()
	return since != 0 && now.UnixNano()-since > int64(attachmentTimeout)
}
