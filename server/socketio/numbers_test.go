package socketio

import (
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// Applications that number their rooms and users write numbers in every place where a name is.
func TestNumbersAreNames(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, connected := s.Connect(`{"userId":7,"channels":[1,"a"]}`)
	if connected.UserID != "7" {
		t.Errorf("the user is %q", connected.UserID)
	}
	c.Send(`42["join-room",42]`)
	c.Send(`42["subscribe",{"channels":[43]}]`)
	c.Sync()
	for _, room := range []string{"1", "a", "42", "43"} {
		if len(s.Hub.Match([]string{room}, nil)) != 1 {
			t.Errorf("the client is not in %s", room)
		}
	}
	if r := s.Publish(`{"target":{"user":7},"type":"n","data":1}`); r.Delivered != 1 {
		t.Errorf("to the user 7: %+v", r)
	}
	if r := s.Publish(`{"target":{"channels":[42,"b"]},"type":"n","data":1}`); r.Delivered != 1 {
		t.Errorf("to the channel 42: %+v", r)
	}
	c.Send(`421["send-message",{"room":42,"message":"hi"}]`)
	for text := ""; !strings.HasPrefix(text, "431"); { // the notifications come first
		if text = c.Read(); strings.HasPrefix(text, "431") && !strings.Contains(text, `"delivered":1`) {
			t.Errorf("send-message to 42: %s", text)
		}
	}
	c.Send(`42["leave-room",42]`)
	c.Sync()
	if len(s.Hub.Match([]string{"42"}, nil)) != 0 {
		t.Error("the client did not leave 42")
	}
	c.Send(`422["join-room",1.5]`)
	for { // the notifications come first
		if text := c.Read(); text[:3] == "432" {
			if want := `432[{"error":{"code":"validation","message":"expected the name of a room, a string"}}]`; servertest.Masked(text) != want {
				t.Errorf("got %s", text)
			}
			return
		}
	}
}
