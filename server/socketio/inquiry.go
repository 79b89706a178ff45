package socketio

import (
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

// inquiry is an event to which clients answer: its encoded name and arguments, the same for all.
type inquiry struct {
	kind        byte
	data        []byte
	attachments [][]byte
}

func newInquiry(event string, args []any) (inquiry, error) {
	if err := notify.CheckEvent(event); err != nil {
		return inquiry{}, err
	}
	kind, data, attachments, err := encodeData(kindEvent, append([]any{event}, args...))
	return inquiry{kind, data, attachments}, err
}

// emittedInquiry is newInquiry for arguments that the Hub has checked.
func emittedInquiry(event string, args notify.SplitArgs) inquiry {
	kind := byte(kindEvent)
	if len(args.Attachments) > 0 {
		kind = kindBinaryEvent
	}
	data := append([]byte{'['}, quote(event)...)
	return inquiry{kind, append(appendArgs(data, args.Placeholders), ']'), args.Attachments}
}

// askPacket returns the packet of an inquiry for a client.
func (s *Server) askPacket(q inquiry, namespace string, id uint64) *engineio.Frame {
	text := make([]byte, 0, len(q.data)+len(namespace)+32)
	text = appendHeader(text, q.kind, len(q.attachments), namespace, &id)
	return s.newFrame(append(text, q.data...), q.attachments...)
}
