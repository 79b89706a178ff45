package sse

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

// Messages that are not notifications get the form of notifications.
func TestEnvelopeFrame(t *testing.T) {
	const head = "id: 5f3a9c01-1042\nevent: message\ndata: {\"id\":\"5f3a9c01-1042\","
	const tail = ",\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n"
	for name, c := range map[string]struct {
		m    *notify.Message
		want string
	}{
		"notification": {&notify.Message{Type: "t", Data: raw(`{"n":1}`),
			Metadata: raw(`{"a":2}`)}, head +
			`"type":"t","data":{"n":1},"timestamp":"2026-11-22T10:00:00.000Z","metadata":{"a":2}}` +
			"\n\n"},
		"emit of one": {&notify.Message{Type: "chat", Args: raw(`[{"a":"b"}]`)},
			head + `"type":"chat","data":{"a":"b"}` + tail},
		"emit of several": {&notify.Message{Type: "chat", Args: raw(`["a",2]`)},
			head + `"type":"chat","data":["a",2]` + tail},
		"emit of none": {&notify.Message{Type: "chat", Args: raw(`[]`)},
			head + `"type":"chat","data":null` + tail},
		"emit of line breaks": {&notify.Message{Type: "chat", Args: raw("[[1,\n2]]")},
			head + "\"type\":\"chat\",\"data\":[1,\ndata: 2]" + tail},
		"emit named error": {&notify.Message{Type: "error", Args: raw(`["hi"]`)},
			head + `"type":"error","data":"hi"` + tail},
		"emit named gap": {&notify.Message{Type: "gap", Args: raw(`["hi"]`)},
			head + `"type":"gap","data":"hi"` + tail},
		"volatile, bare": {
			&notify.Message{Type: "connection-update", Volatile: true, Bare: true,
				Data: raw(`{"type":"new-connection"}`)},
			"id: 5f3a9c01-1042\nevent: message\ndata: {\"type\":\"connection-update\"," +
				"\"data\":{\"type\":\"new-connection\"}" + tail,
		},
	} {
		c.m.ID, c.m.Timestamp = testID, testTime
		for _, as := range []string{"message", "x"} {
			n := names{notifications: as, envelope: true}
			want := strings.Replace(c.want, "event: message", "event: "+as, 1)
			if got := string(n.frameOf(c.m).appendTo(nil, n.notifications)); got != want {
				t.Errorf("%s as %s: got\n%q, want\n%q", name, as, got, want)
			}
		}
	}
}

// All streams of one form share a frame. A notification has the same frame in both forms.
func TestEnvelopeEncodedOnce(t *testing.T) {
	n := names{notifications: "message", envelope: true}
	emit := &notify.Message{ID: testID, Type: "chat", Args: raw(`[1]`)}
	frames := make([]*frame, 16)
	var done sync.WaitGroup
	for i := range frames {
		done.Go(func() { frames[i] = n.frameOf(emit) })
	}
	done.Wait()
	for _, f := range frames {
		if f != frames[0] || f == frameOf(emit) {
			t.Fatal("not the one frame of the envelope")
		}
	}
	if note := benchMessage(); n.frameOf(note) != frameOf(note) {
		t.Error("a notification is encoded twice")
	}
}

// On every route and with every default name, messages have one event name and control events their
// own names.
func TestEnvelope(t *testing.T) { bothWays(t, testEnvelope) }

func testEnvelope(t *testing.T, w way) {
	for _, c := range []struct{ as, target, want string }{
		{"", "/sse?envelope=true", "message"},
		{"", "/api/sse?envelope=true", "message"},
		{"", "/sse?envelope=true&as=type", "message"},
		{"", "/sse?envelope=true&as=x", "x"},
		{"", "/api/sse?envelope=true&as=x", "x"},
		{"event", "/sse?envelope=true", "message"},
	} {
		t.Run(c.as+c.target, func(t *testing.T) {
			r := newRig(t, Options{As: c.as})
			cl := open(t, r.serve(t, w).URL+c.target, "Last-Event-ID", "nonsense")
			cl.want("gap")
			cl.want("recovery")
			r.publish(t, notify.Notification{Type: "order:new", Data: raw(`1`)}, notify.ToAll())
			r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "chat",
				Args: raw(`["hi"]`)})
			r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "connected",
				Args: raw(`[]`)})
			r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "connection-update",
				Data: raw(`{}`), Volatile: true, Bare: true})
			for _, want := range []string{
				"order:new 1", `chat "hi"`, "connected null",
				"connection-update {}",
			} {
				var got struct {
					Type string
					Data json.RawMessage
				}
				err := json.Unmarshal([]byte(cl.want(c.want).data), &got)
				if err != nil || got.Type+" "+string(got.Data) != want {
					t.Errorf("got %s %s, %v, want %s", got.Type, got.Data, err, want)
				}
			}
			r.disconnect(cl.hello.ClientID, "over")
			cl.want("disconnected")
			cl.wantEnd()
		})
	}
}

func TestEnvelopeValues(t *testing.T) { bothWays(t, testEnvelopeValues) }

func testEnvelopeValues(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	for _, query := range []string{"envelope", "envelope=", "envelope=false"} {
		c := open(t, srv.URL+"/sse?"+query)
		r.emit(t, &notify.Message{Rooms: []string{rooms.All}, Type: "chat", Args: raw(`["hi"]`)})
		c.want("chat")
	}
	for _, query := range []string{"envelope=1", "envelope=yes", "envelope=true&envelope=true"} {
		resp := get(t, t.Context(), srv.Client(), srv.URL+"/sse?"+query)
		if resp.StatusCode != 400 {
			t.Errorf("%s: %s", query, resp.Status)
		}
	}
}
