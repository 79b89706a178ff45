package sse

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

var timestampPart = regexp.MustCompile(`"timestamp":"[^"]*"`)

// A stream gets the retained notifications after `connected`, and after a change of its channels.
// Their id field is the cursor, so that a client does not resume from an old id.
func TestRetainedNotifications(t *testing.T) { bothWays(t, testRetainedNotifications) }

func testRetainedNotifications(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	own := r.publish(t, notify.Notification{Type: "status", Data: raw(`{"open":true}`), Retain: true},
		notify.ToChannel("shop"))
	last := r.publish(t, notify.Notification{Type: "news"}, notify.ToChannel("shop"))
	object := `{"id":"` + own + `","type":"status","data":{"open":true},"timestamp":*,` +
		`"metadata":{"channel":"shop","retained":true}}`
	expect := func(c *client, name, data string) {
		t.Helper()
		e := c.want(name)
		if got := timestampPart.ReplaceAllString(e.data, `"timestamp":*`); got != data || e.id != last {
			t.Errorf("id %s, data %s\nwant %s, %s", e.id, got, last, data)
		}
	}
	for target, name := range map[string]string{
		"/sse?channels=shop": "status", "/sse?channels=shop&as=event": "event",
		"/api/sse?channels=shop": "message",
	} {
		expect(open(t, srv.URL+target), name, object)
	}
	expect(open(t, srv.URL+"/sse?channels=shop&envelope=true"), "message",
		object[:len(object)-1]+`,"channels":["shop"]}`)

	c := open(t, srv.URL+"/sse?userId=u1")
	if status, _ := post(t, srv.URL+"/sse/"+c.hello.ClientID+"/channels?userId=u1",
		`{"join":["shop"]}`); status != 200 {
		t.Fatal(status)
	}
	expect(c, "status", object)

	// The browser resumes from the cursor: nothing comes twice except what it joins again.
	again := open(t, srv.URL+"/sse?channels=shop", "Last-Event-ID", last)
	if !again.hello.Recovered {
		t.Error("not recovered")
	}
	expect(again, "status", object)
	again.want("recovery")
	// The replay has it already.
	replayed := open(t, srv.URL+"/sse?channels=shop&since=0")
	if e := replayed.want("status"); e.id != own || regexp.MustCompile("retained").MatchString(e.data) {
		t.Errorf("%+v", e)
	}
	replayed.want("news")
	replayed.want("recovery")
}

// Many large retained notifications arrive complete and in order.
func TestManyRetained(t *testing.T) { bothWays(t, testManyRetained) }

func testManyRetained(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	const n = 200
	for i := range n {
		data, _ := json.Marshal(map[string]any{"n": i, "text": fmt.Sprintf("%0*d", i*37, i)})
		r.publish(t, notify.Notification{Type: fmt.Sprint("t", i), Data: data, Retain: true},
			notify.ToChannel("shop"))
	}
	c := open(t, srv.URL+"/sse?channels=shop")
	for i := range n {
		c.want(fmt.Sprint("t", i))
	}
	r.publish(t, notify.Notification{Type: "live"}, notify.ToChannel("shop"))
	c.want("live")
}

func TestPosition(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	srv := r.serve(t, taken)
	position := func() string {
		t.Helper()
		resp := get(t, t.Context(), srv.Client(), srv.URL+"/sse/position")
		var answer struct{ Position string }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != 200 ||
			resp.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%v %v %v", resp.Status, resp.Header, err)
		}
		return answer.Position
	}
	empty := position()
	first := r.publish(t, notify.Notification{Type: "a"}, notify.ToAll())
	if got := position(); got != first {
		t.Errorf("%s, want %s", got, first)
	}
	c := open(t, srv.URL+"/sse?since="+empty)
	c.want("a")
	c.want("recovery")
	resp, err := srv.Client().Post(srv.URL+"/sse/position", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}
