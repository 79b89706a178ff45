package notify

import (
	"encoding/json"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// marked returns a retained message as clients that join later get it: with "retained":true in its
// metadata. It is a message of its own, because its frames differ.
func marked(m *Message) *Message {
	return &Message{
		Namespace: m.Namespace, Rooms: m.Rooms, Except: m.Except, Type: m.Type, TTL: m.TTL,
		Data: m.Data, Metadata: markedMetadata(m.Metadata), Retain: true,
	}
}

func markedMetadata(metadata json.RawMessage) json.RawMessage {
	var object strictjson.Checked
	if len(metadata) > 0 {
		// The message has been checked. If it has not, the mark alone is better than no JSON.
		object, _ = strictjson.Check(metadata, jsonRules)
	}
	text := make([]byte, 0, len(metadata)+len(`,"retained":true`)+2)
	text = appendMembers(append(text, '{'), object, "retained")
	if len(text) > 1 {
		text = append(text, ',')
	}
	return append(text, `"retained":true}`...)
}
