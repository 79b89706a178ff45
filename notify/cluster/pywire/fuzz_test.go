package pywire

import (
	"errors"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// Any message gives an entry or an error of the package. What an entry says can be written, or is
// refused, and takes no more than its bound.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"managers-5.7.2", "managers-5.14.0", "managers-5.14.3", "managers-5.16.3", "pickles"} {
		for _, r := range recordings(f, name) {
			if payload := r.payload(f); len(payload) < 1000 {
				f.Add(payload)
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := Decode(payload)
		if err != nil {
			if e != nil || !isSkipped(err) && !errors.Is(err, nodewire.ErrIgnored) {
				t.Fatalf("%+v, error %T: %v", e, err, err)
			}
			return
		}
		size := len(e.Packet.JSON)
		for _, a := range e.Packet.Attachments {
			size += len(a)
		}
		if size > nodewire.MaxPayload {
			t.Fatalf("%d bytes", size)
		}
		if e.Type != nodewire.TypeBroadcast && len(e.Opts.Rooms) == 0 {
			t.Fatalf("%+v is for everyone", e)
		}
		e.UID = "emitter"
		fields, err := e.Fields()
		var refused *notify.ValidationError
		if err != nil {
			if !errors.As(err, &refused) {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		again, err := nodewire.Decode(fields)
		if err != nil || again.Type != e.Type || len(again.Opts.Rooms) != len(e.Opts.Rooms) {
			t.Fatalf("%q: got %+v, %v, want %+v", fields, again, err, e)
		}
	})
}
