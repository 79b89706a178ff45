package sse

import (
	"slices"
	"testing"

	"github.com/roomcast/roomcast/auth"
)

// With MaxRooms 0 a client joins only the default channels: none by its URL, by a change or by its
// tab.
func TestMaxRoomsOfZero(t *testing.T) { bothWays(t, testMaxRoomsOfZero) }

func testMaxRoomsOfZero(t *testing.T, w way) {
	r := newRig(t, Options{DefaultChannels: []string{"general"}})
	c := open(t, r.serve(t, w).URL+"/sse?userId=u1&sessionId=s&channels=a")
	c.end()
	r.awaitGone(t, 1)
	o := DefaultOptions()
	o.Hub, o.Auth, o.DefaultChannels = r.hub, newAuth(t, auth.Options{}), []string{"general"}
	o.MaxRooms, o.Heartbeat = 0, 0
	r.Handler = must(t, o)
	srv := r.serve(t, w)
	c = open(t, srv.URL+"/sse?userId=u1&sessionId=s&channels=b")
	if !slices.Equal(c.hello.Denied, []string{"b"}) {
		t.Errorf("denied %q, want b", c.hello.Denied)
	}
	status, answer := post(t, srv.URL+"/sse/"+c.hello.ClientID+"/channels?userId=u1",
		`{"join":["c"]}`)
	if status != 200 || !slices.Equal(answer.Denied, []string{"c"}) {
		t.Errorf("%d %+v, want c denied", status, answer)
	}
	if got := r.channelsOf(c.hello.ClientID); !slices.Equal(got, []string{"general"}) {
		t.Errorf("in %q, want the default channel", got)
	}
}

// MaxRooms limits the channels of the URL.
func TestMaxRooms(t *testing.T) { bothWays(t, testMaxRooms) }

func testMaxRooms(t *testing.T, w way) {
	r := newRig(t, Options{DefaultChannels: []string{"general"}, MaxRooms: 3})
	srv := r.serve(t, w)
	c := open(t, srv.URL+"/sse?channels=a,b,c,d,general,a")
	got := r.channelsOf(c.hello.ClientID)
	if !slices.Equal(got, []string{"a", "b", "c", "general"}) ||
		!slices.Equal(c.hello.Denied, []string{"d"}) {
		t.Errorf("in %q, denied %q", got, c.hello.Denied)
	}
}
