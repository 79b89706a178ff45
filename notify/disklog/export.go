package disklog

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Exported is the form of a notification in an export. The names are those of the HTTP API.
type Exported struct {
	ID        string          `json:"id"`
	Stored    time.Time       `json:"stored"`
	Timestamp time.Time       `json:"timestamp"`
	Namespace string          `json:"namespace"`
	Rooms     []string        `json:"rooms"` // with user: and client:; those of a namespace as /name#room
	Except    []string        `json:"except,omitempty"`
	Type      string          `json:"type"`
	Data      json.RawMessage `json:"data,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Args      json.RawMessage `json:"args,omitempty"` // of an emit; binary data as base64
	TTL       string          `json:"ttl,omitempty"`
	Retain    bool            `json:"retain,omitempty"`
}

// Export calls each with the notifications after an id, oldest first, of one hub room if it is not
// "". It returns how many parts of the store cannot be read. An id of another epoch is after none.
func (f *Files) Export(after notify.ID, room string, each func(Exported) error) (unreadable int, err error) {
	if after.Epoch != f.meta.epoch {
		after.Seq = 0
	}
	unreadable = f.messages(after.Seq, func(m *notify.Message) bool {
		if room != "" && (!slices.Contains(m.Rooms, room) || !f.holds(room, m.ID.Seq)) {
			return true
		}
		out := Exported{ID: m.ID.String(), Stored: m.Stored, Timestamp: m.Timestamp,
			Namespace: m.Namespace, Rooms: m.Rooms, Except: m.Except, Type: m.Type, Data: m.Data,
			Metadata: m.Metadata, Args: m.Args, Retain: m.Retain}
		if m.TTL > 0 {
			out.TTL = m.TTL.String()
		}
		err = each(out)
		return err == nil
	})
	return unreadable, err
}
