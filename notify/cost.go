package notify

import "encoding/json"

// The cost of a message or session is the heap memory that it takes: the text, rounded up as the
// allocator does, and the structures around it. The tests in bounds_test.go fill each limit with
// the worst input that the rules allow, and measure the heap.
const (
	// messageCost is for a Message, its entry and its slot in the queue, the same for one dead
	// entry, and the objects of its frames.
	messageCost = 720
	// frameCost is for a frame without type, data and metadata: the JSON object, id, timestamp and
	// headers.
	frameCost = 192
	// nameCost is for the header of a string in a slice.
	nameCost = 16
	// refCost is for a ref in a room, with the unused capacity of the slice.
	refCost = 48
	// roomCost is for a Room and its slot in the table.
	roomCost = 224
	// attachmentCost is for the header of an attachment and its position in the frame.
	attachmentCost = 64
	// traceCost is for a Trace.
	traceCost = 192
	// sessionCost is for a session with its slots in the table, in the list of kept sessions and in
	// the table of client ids.
	sessionCost = 440
	// retainedCost is for a slot of a retained message, and the tables of a room that has one.
	retainedCost = 640
	// holderCost is for a user or an address that has one session, and the place of that in its
	// list.
	holderCost = 280
)

// block returns the memory for n bytes: the allocator rounds small blocks up to 16 bytes and adds
// up to an eighth to larger ones.
func block(n int) int { return n + n/8 + 16 }

// textCost returns the memory for a string in a slice.
func textCost(s string) int { return nameCost + block(len(s)) }

// cost returns the memory for a message that is kept. Data counts once as it is and once in each
// frame; a notification has no frame in the slot Envelope.
func cost(m *Message) int64 {
	frames := 2
	if m.Args != nil || m.Bare {
		frames = 3
	}
	n := messageCost + frames*frameCost
	// The capacity counts: a slice of a large buffer keeps the whole buffer.
	n += block(cap(m.Data)) + block(cap(m.Metadata)) + block(cap(m.Args))
	// A frame has the type twice, and quotes in the type may be escaped.
	n += block(len(m.Type)) + frames*block(4*len(m.Type)+len(m.Data)+len(m.Metadata)+len(m.Args))
	if len(m.Attachments) > 0 {
		n += block(cap(m.BinaryArgs)) + len(m.BinaryArgs)
	}
	for _, a := range m.Attachments {
		n += attachmentCost + block(cap(a)) + len(a)
	}
	if m.Trace != nil {
		n += traceCost
	}
	for _, name := range m.Rooms {
		n += refCost + textCost(name)
	}
	for _, name := range m.Except {
		n += textCost(name)
	}
	return int64(n)
}

// retainedBytes returns the memory for a message that is retained.
func retainedBytes(m *Message) int64 { return retainedCost + cost(m) }

// sessionBytes returns the memory for a session that is kept for a number of holders, without Data of
// unknown size.
func sessionBytes(s *Session, holders int) int64 {
	n := sessionCost + holderCost*holders + nameCost*(cap(s.Channels)+cap(s.Granted))
	own := []string{s.Key, s.UserID, s.ClientID, s.Namespace}
	for _, names := range [][]string{own, s.Channels, s.Granted} {
		for _, name := range names {
			n += block(len(name))
		}
	}
	switch data := s.Data.(type) {
	case json.RawMessage: // of a session that another process or node has begun
		n += block(len(data))
	case interface{ Size() int }:
		n += block(data.Size())
	}
	return int64(n)
}
