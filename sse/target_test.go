package sse

import (
	"encoding/json"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// The envelope names the channels that a message was sent to. No sender can write this field, and
// other streams do not have it.
func TestEnvelopeNamesChannels(t *testing.T) { bothWays(t, testEnvelopeNamesChannels) }

func testEnvelopeNamesChannels(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	enveloped := open(t, srv.URL+"/sse?userId=u1&channels=a,b&envelope=true")
	plain := open(t, srv.URL+"/sse?userId=u1&channels=a,b&as=message")
	forged := notify.Notification{Type: "t", Data: raw(`{"channels":["x"]}`),
		Metadata: raw(`{"channel":"x","channels":["x"]}`)}
	r.publish(t, forged, notify.ToUser("u1"))
	r.publish(t, forged, notify.ToAll())
	r.publish(t, forged, notify.ToClient(enveloped.hello.ClientID))
	r.publish(t, forged, notify.ToChannel("a"))
	r.publish(t, notify.Notification{Type: "t", Volatile: true}, notify.ToChannels("a", "b"))
	r.emit(t, &notify.Message{Rooms: []string{"b"}, Type: "t", Args: raw(`[{"channels":["x"]}]`)})
	r.emit(t, &notify.Message{Rooms: []string{"b", rooms.User("u1")}, Type: "t", Args: raw(`[1]`)})
	for i, want := range []string{``, ``, ``, `["a"]`, `["a","b"]`, `["b"]`, ``} {
		var got struct{ Channels json.RawMessage }
		event := enveloped.want("message").data
		if err := json.Unmarshal([]byte(event), &got); err != nil || string(got.Channels) != want {
			t.Errorf("%d: channels %s, %v, want %s: %s", i, got.Channels, err, want, event)
		}
	}
	for range 4 { // the emits keep their name, and one is for the other client
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(plain.want("message").data), &got); err != nil ||
			got["channels"] != nil {
			t.Errorf("a stream without envelope: %s, %v", got, err)
		}
	}
}

// A client of an envelope learns by sync that its stream lives.
func TestChangeOfChannelsIsAnsweredOnTheStream(t *testing.T) {
	bothWays(t, func(t *testing.T, w way) {
		r := newRig(t, Options{})
		srv := r.serve(t, w)
		c := open(t, srv.URL+"/sse?userId=u1&envelope=true")
		other := open(t, srv.URL+"/sse?userId=u1")
		for _, id := range []string{c.hello.ClientID, other.hello.ClientID} {
			if status, _ := post(t, srv.URL+"/sse/"+id+"/channels?userId=u1", `{}`); status != 200 {
				t.Fatal(status)
			}
		}
		if got := c.want("sync").id; got != r.hub.Head().String() {
			t.Errorf("sync with id %s, want %s", got, r.hub.Head())
		}
		r.publish(t, notify.Notification{Type: "end"}, notify.ToAll())
		c.want("message")
		other.want("end")
	})
}
