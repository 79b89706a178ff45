package notify

import "bytes"

// What is held is charged for with what it takes of the heap: the text, what the allocator rounds it up by, and the
// structures around it. The tests of bounds fill each bound with the worst that is allowed and measure the heap.
const (
	// messageCost is a Message, its entry, its place in the queue and as much for one that is dead, and the objects of
	// its frames.
	messageCost = 720
	// frameCost is what a frame has besides type, data and metadata: the object around them, id, timestamp and headers.
	frameCost = 192
	// nameCost is the header of a string in a slice.
	nameCost = 16
	// refCost is the place of a message in the history of a room, with the slack of the slice.
	refCost = 48
	// roomCost is a Room with its place in the table.
	roomCost = 224
	// attachmentCost is the header of an attachment and its place in the frame.
	attachmentCost = 64
	// lineCost is what a line break grows by in an event stream, where each line begins with "data: ", with the slack
	// of a frame that grew.
	lineCost = 8
	// sessionCost is a session with its places in the table, in the order of expiry and among the client ids.
	sessionCost = 400
)

// block is the memory of n bytes: the allocator rounds small ones up to 16 bytes, larger ones by up to an eighth.
func block(n int) int { return n + n/8 + 16 }

// textCost is a string of a slice.
func textCost(s string) int { return nameCost + block(len(s)) }

// cost returns the bytes that keeping m takes. Data counts once raw and once in the frame of each slot; a
// notification leaves the slot Envelope empty.
func cost(m *Message) int64 {
	frames := 2
	if m.Args != nil || m.Bare {
		frames = 3
	}
	n := messageCost + frames*frameCost
	n += block(cap(m.Data)) + block(cap(m.Metadata)) + block(cap(m.Args)) // a part of something large keeps all of it
	// The type is in a frame twice, and quotes in it may be escaped.
	n += block(len(m.Type)) + frames*block(4*len(m.Type)+len(m.Data)+len(m.Metadata)+len(m.Args))
	n += lineCost * (frames - 1) * (breaks(m.Data) + breaks(m.Metadata) + breaks(m.Args))
	if len(m.Attachments) > 0 {
		n += block(cap(m.BinaryArgs)) + len(m.BinaryArgs)
	}
	for _, a := range m.Attachments {
		n += attachmentCost + block(cap(a)) + len(a)
	}
	for _, name := range m.Rooms {
		n += refCost + textCost(name)
	}
	for _, name := range m.Except {
		n += textCost(name)
	}
	return int64(n)
}

// breaks counts the line breaks in JSON.
func breaks(text []byte) int {
	return bytes.Count(text, []byte{'\n'}) + bytes.Count(text, []byte{'\r'})
}

// sessionBytes returns the bytes that keeping s takes, without its Data.
func sessionBytes(s *Session) int64 {
	n := sessionCost + block(len(s.Key)) + block(len(s.UserID)) + block(len(s.ClientID)) + block(len(s.Namespace))
	n += nameCost * (cap(s.Channels) + cap(s.Granted))
	for _, names := range [2][]string{s.Channels, s.Granted} {
		for _, name := range names {
			n += block(len(name))
		}
	}
	return int64(n)
}
