package socketio

import (
	"strings"
	"testing"
)

// A packet that names an attachment twice closes its connection: decoded or encoded, it would be many
// times its size.
func TestAttachmentHasOnePlace(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	const place = `{"_placeholder":true,"num":0}`
	for _, packet := range []string{
		`51-["custom-event",` + place + `,` + place + `]`,
		`51-["custom-event",{"a":[` + place + `,` + place + `]}]`,
		`51-["custom-event"` + strings.Repeat(`,`+place, 1300) + `]`,
	} {
		c, _ := s.Connect(`{"userId":"u1"}`)
		c.Send("4" + packet)
		c.SendBinary(make([]byte, 900_000))
		if got, err := c.Next(); err == nil {
			t.Errorf("%.60s: got %.60s, want a close", packet, got)
		}
	}
	s.Alive()
}
