package nodewire

import (
	"sync"

	"github.com/roomcast/roomcast/notify"
)

// composer is the memory in which FieldsOf makes an entry. It is used again.
type composer struct {
	entry        Entry
	packet, data []byte
}

var composers = sync.Pool{New: func() any { return new(composer) }}

// maxMemory is the largest memory of a packet that a composer keeps.
const maxMemory = 64 << 10

// FieldsOf returns the fields of the entry of a message: those of FromMessage, with less memory. The error
// is a *notify.ValidationError.
func FieldsOf(m *notify.Message, uid, nonce string) (f Fields, err error) {
	c := composers.Get().(*composer)
	defer c.release()
	if err := c.entry.set(m, uid, nonce, c.packet[:0]); err != nil {
		return Fields{}, err
	}
	c.packet = c.entry.Packet.JSON
	f, c.data, err = c.entry.fields(c.data[:0])
	return f, err
}

func (c *composer) release() {
	c.entry = Entry{}
	if cap(c.packet)+cap(c.data) > maxMemory {
		c.packet, c.data = nil, nil
	}
	composers.Put(c)
}
