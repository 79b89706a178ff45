package sse

import (
	"slices"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomcast/roomcast/notify"
)

// A tab that reconnects with its sessionId is again in the channels that it joined later, and
// misses no message in them.
func TestSessionID(t *testing.T) { bothWays(t, testSessionID) }

func testSessionID(t *testing.T, w way) {
	r := newRig(t, Options{DefaultChannels: []string{"general"}})
	srv := r.serve(t, w)
	tab := srv.URL + "/sse?userId=u1&channels=news&sessionId=tab-1"
	first := open(t, tab)
	_, got := post(t, srv.URL+"/sse/"+first.hello.ClientID+"/channels?userId=u1",
		`{"join":["orders"],"leave":["general"]}`)
	if len(got.Joined) != 1 {
		t.Fatal(got)
	}
	first.end()
	r.awaitGone(t, 1)
	r.publish(t, notify.Notification{Type: "missed"}, notify.ToChannel("orders"))
	second := open(t, tab, "Last-Event-ID", first.lastID)
	second.want("missed")
	want := []string{"general", "news", "orders"}
	if got := r.channelsOf(second.hello.ClientID); !slices.Equal(got, want) {
		t.Errorf("in %q", got)
	}
	second.end()
	r.awaitGone(t, 1)
	for name, target := range map[string]string{
		"another user": "/sse?userId=u2&sessionId=tab-1",
		"another tab":  "/sse?userId=u1&sessionId=tab-2", "anonymous": "/sse?sessionId=tab-1",
		"a user and a tab that only spell the same": "/sse?userId=u1:tab-1&sessionId=1",
	} {
		c := open(t, srv.URL+target)
		if got := r.channelsOf(c.hello.ClientID); !slices.Equal(got, []string{"general"}) {
			t.Errorf("%s: in %q", name, got)
		}
	}
	// The API ended the stream, so the server keeps no channels of the tab.
	third := open(t, tab)
	if got := r.channelsOf(third.hello.ClientID); !slices.Contains(got, "orders") {
		t.Errorf("third time: in %q", got)
	}
	r.disconnect(third.hello.ClientID, "over")
	third.want("disconnected")
	third.wantEnd()
	r.awaitGone(t, 1)
	fourth := open(t, tab)
	if got := r.channelsOf(fourth.hello.ClientID); !slices.Equal(got, []string{"general", "news"}) {
		t.Errorf("after the disconnect: in %q", got)
	}
}

// The present rights apply: the stream does not join a channel of the session that the token no
// longer allows.
func TestSessionIDUsesPresentRights(t *testing.T) { bothWays(t, testSessionIDUsesPresentRights) }

func testSessionIDUsesPresentRights(t *testing.T, w way) {
	r := tokenRig(t)
	srv := r.serve(t, w)
	c := open(t, srv.URL+"/sse?sessionId=s&channels=a,b&token="+
		sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"a", "b"}}))
	if got := r.channelsOf(c.hello.ClientID); !slices.Equal(got, []string{"a", "b", "lobby"}) {
		t.Fatal(got)
	}
	c.end()
	r.awaitGone(t, 1)
	c = open(t, srv.URL+"/sse?sessionId=s&token="+
		sign(t, jwt.MapClaims{"sub": "alice", "channels": []string{"b"}}))
	if got := r.channelsOf(c.hello.ClientID); !slices.Equal(got, []string{"b", "lobby"}) {
		t.Errorf("in %q", got)
	}
}
