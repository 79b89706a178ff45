package socketio

import "encoding/json"

// connData is the value of [Conn.SetData], as it is kept with the session.
type connData struct {
	value any
	// text is the JSON that other servers get, nil without any. It is made by SetData: at any other
	// time a handler can change the value, and a map that changes while it is read ends the process.
	text json.RawMessage
}

// MarshalJSON implements json.Marshaler.
func (d *connData) MarshalJSON() ([]byte, error) {
	if d.text != nil {
		return d.text, nil
	}
	return json.Marshal(d.value)
}

// Size returns the bytes of a value that says them, else 0.
func (d *connData) Size() int {
	switch v := d.value.(type) {
	case interface{ Size() int }:
		return v.Size()
	case json.RawMessage:
		return len(v)
	}
	return 0
}

// restoreData sets the data that was kept with a session, on this node or another one.
func (c *Conn) restoreData(kept any) {
	switch v := kept.(type) {
	case *connData:
		c.data.Store(v)
	case json.RawMessage:
		c.data.Store(&connData{v, v})
	}
}
