package socketio

import (
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// A client that asks for it gets the channels of each event as one more argument after the id. By
// its place no sender can forge it. Without recovery it is the last argument too.
func TestTargetNamesChannels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, end string
		options   func(*Options)
	}{
		{"recovery", `,"ID"`, nil},
		{"no recovery", ``, func(o *Options) { o.DisableRecovery = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, c.options)
			targeted, _ := s.Connect(`{"userId":"u1","channels":["a","b"],"target":true}`)
			plain, _ := s.Connect(`{"userId":"u1","channels":["a","b"]}`)
			emit := func(rooms []string, args ...any) {
				t.Helper()
				if _, err := s.sio.To(rooms...).Emit("t", args...); err != nil {
					t.Fatal(err)
				}
			}
			const forged = `"type":"t","data":1,"metadata":{"channel":"x","channels":["x"]}}`
			s.Publish(`{"target":{"user":"u1"},` + forged)
			s.Publish(`{"target":{"channels":["a","b"]},"type":"t","data":1}`)
			emit([]string{"b"}, "last", []string{"x"})
			emit([]string{"b", "user:u1"})
			emit([]string{"b"}, []byte{1})
			for _, to := range []struct {
				client             *servertest.WebSocket
				none, ab, b, reply string
			}{
				{targeted, ",null", `,["a","b"]`, `,["b"]`, ",null"},
				{plain, "", "", "", ""},
			} {
				to.client.Send(`42["custom-event",{"a":1}]`)
				expectExactly(t, to.client,
					`42["t",{"id":"ID","type":"t","data":1,"timestamp":*,`+
						`"metadata":{"channel":"x","channels":["x"]}}`+c.end+to.none+`]`,
					`42["t",{"id":"ID","type":"t","data":1,"timestamp":*,`+
						`"metadata":{"channels":["a","b"]}}`+c.end+to.ab+`]`,
					`42["t","last",["x"]`+c.end+to.b+`]`,
					`42["t"`+c.end+to.none+`]`,
					`451-["t",{"_placeholder":true,"num":0}`+c.end+to.b+`]`, "\x01",
					`42["custom-event-response",{"a":1,"timestamp":*}`+c.end+to.reply+`]`)
			}
		})
	}
}
