package nodewire

import (
	"bytes"

	"github.com/roomcast/roomcast/notify"
)

// Identify gives the object of a notification its id, where clients of Roomcast have it. It is for
// servers that add no id to an event. Entries that are no notifications stay as they are.
func (e *Entry) Identify(id notify.ID) {
	if e.mark.kind != kindNotification || !restoreNotification(&notify.Message{Type: e.event}, e.first) {
		return
	}
	object := arguments(e.Packet.JSON)
	begin := len(e.Packet.JSON) - len(object) + bytes.IndexByte(object, '{') + 1
	text := append(make([]byte, 0, len(e.Packet.JSON)+48), e.Packet.JSON[:begin]...)
	text = append(text, `"id":"`...)
	text = append(append(text, id.String()...), `",`...)
	e.Packet.JSON = append(text, e.Packet.JSON[begin:]...)
}
