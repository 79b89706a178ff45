package socketio

import (
	"regexp"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

var timestampPart = regexp.MustCompile(`"timestamp":"[^"]*"`)

// A client that joins gets the retained notifications after the answer to its join and before live
// ones. The id after them is the client's cursor, so that it does not resume from an old id.
func TestRetainedNotifications(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	publish := func(kind, data, more string) string {
		return s.Publish(`{"target":{"channel":"shop"},"type":"` + kind + `","data":` + data + more + `}`).ID
	}
	own := publish("status", `{"open":true}`, `,"retain":true,"metadata":{"by":"ann"}`)
	s.Publish(`{"target":{"user":"u1"},"type":"plan","data":"pro","retain":true}`)
	last := publish("news", `1`, ``)
	retained := func(kind, data, end string) string {
		return `42["` + kind + `",{"id":"` + own + `","type":"status","data":` + data +
			`,"timestamp":*,"metadata":{"by":"ann","channel":"shop","retained":true}},"` + end + `"]`
	}
	expect := func(c *servertest.WebSocket, want ...string) {
		t.Helper()
		for _, w := range want {
			got := timestampPart.ReplaceAllString(c.Read(), `"timestamp":*`)
			if got != w {
				t.Errorf("got  %s\nwant %s", got, w)
			}
		}
	}

	late, _ := s.Connect(`{"userId":"u2"}`)
	late.Send(`420["join-room","shop"]`)
	expect(late, `42["room-joined",{"room":"shop","timestamp":*},"`+last+`"]`,
		`430[{"room":"shop","timestamp":*}]`, retained("status", `{"open":true}`, last))

	c, _ := s.Connect(`{"userId":"u1","channels":["shop"]}`)
	var got []string
	for range 2 {
		got = append(got, servertest.Masked(c.Read()))
	}
	for _, part := range []string{`42["plan",{"id":"ID","type":"plan","data":"pro",`,
		`42["status",{"id":"ID","type":"status","data":{"open":true},`} {
		if !strings.Contains(strings.Join(got, "\n"), part) {
			t.Errorf("%q has no %s", got, part)
		}
	}

	renamed, _ := s.Connect(`{"userId":"u3","channels":["shop"],"as":["event","type"]}`)
	expect(renamed, retained("event", `{"open":true}`, last), retained("status", `{"open":true}`, last))
	targeted, _ := s.Connect(`{"userId":"u3","channels":["shop"],"target":true}`)
	expect(targeted, strings.TrimSuffix(retained("status", `{"open":true}`, last), "]")+`,["shop"]]`)

	next := publish("status", `{"open":false}`, `,"retain":true`)
	for _, member := range []*servertest.WebSocket{late, c, renamed, targeted} {
		if got := member.Read(); !strings.Contains(got, `"`+next+`"`) ||
			strings.Contains(got, `"retained"`) {
			t.Errorf("live: %s", got)
		}
	}
}

// A client that recovers its session does not join its rooms, so it gets what it missed only.
func TestRetainedAfterRecovery(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.Publish(`{"target":{"channel":"shop"},"type":"status","data":1,"retain":true}`)
	c := s.Dial("")
	_, pid, _, _ := c.JoinWithPid(`{"userId":"u1","channels":["shop"]}`)
	if got := c.Read(); !strings.Contains(got, `"retained":true`) {
		t.Fatal(got)
	}
	live := s.Publish(`{"target":{"channel":"shop"},"type":"news","data":2}`).ID
	if got := c.Read(); !strings.Contains(got, live) {
		t.Fatal(got)
	}
	_ = c.Conn.Close()
	missed := s.Publish(`{"target":{"channel":"shop"},"type":"status","data":3,"retain":true}`).ID
	again := s.Dial("")
	hello := again.Join(servertest.Resume("u1", pid, live))
	if !hello.Recovered {
		t.Fatal("not recovered")
	}
	if got := again.Read(); !strings.Contains(got, missed) || strings.Contains(got, `"retained"`) {
		t.Error(got)
	}
	if got := again.Read(); !strings.HasPrefix(got, `42["recovery",`) {
		t.Error(got)
	}
}

func TestClientsDoNotRetain(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1","channels":["shop"]}`)
	c.Send(`420["send-message",{"room":"shop","message":1,"retain":true}]`)
	for {
		got := c.Read()
		if strings.HasPrefix(got, "430") {
			if !strings.Contains(got, `"only a backend can retain a notification"`) {
				t.Error(got)
			}
			return
		}
	}
}
