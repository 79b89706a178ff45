package sse

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify"
)

// All forms of the cursor give the same replay. The header takes precedence.
func TestReplay(t *testing.T) { bothWays(t, testReplay) }

func testReplay(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	var ids []string
	for i := range 4 {
		to := notify.ToChannel("orders")
		if i == 2 {
			to = notify.ToUser("u1")
		}
		ids = append(ids, r.publish(t, notify.Notification{Type: fmt.Sprint("t", i)}, to))
	}
	const base = "/sse?userId=u1&channels=orders"
	for _, c := range []struct{ target, header string }{
		{base, ids[1]},
		{base + "&lastEventId=" + ids[1], ""},
		{base + "&last_event_id=" + ids[1], ""},
		{base + "&since=" + ids[1], ""},
		{base + "&since=0&lastEventId=" + ids[0], ids[1]},
		{base + "&since=x", ids[1]},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{"Last-Event-ID", c.header}
		}
		cl := open(t, srv.URL+c.target, headers...)
		if !cl.hello.Recovered || cl.lastID != ids[1] {
			t.Errorf("%s: recovered %t at %s", c.target, cl.hello.Recovered, cl.lastID)
		}
		for _, n := range []int{2, 3} {
			if e := cl.want(fmt.Sprint("t", n)); e.id != ids[n] {
				t.Errorf("%s: %+v, want id %s", c.target, e, ids[n])
			}
		}
		want := event{"recovery", `{"type":"recovery","recovered":true,"replayed":2,"from":"` +
			ids[1] + `","to":"` + ids[3] + `"}`, ids[3]}
		if e := cl.want("recovery"); e != want {
			t.Errorf("%s: got %+v, want %+v", c.target, e, want)
		}
		cl.end()
		r.awaitGone(t, 1)
	}
	// The whole history, without a gap. The id of `connected` selects it again.
	cl := open(t, srv.URL+base+"&since=0")
	if want := ids[0][:9] + "0"; cl.lastID != want || cl.hello.Recovered {
		t.Errorf("since=0: recovered %t at %s, want %s", cl.hello.Recovered, cl.lastID, want)
	}
	for n := range 4 {
		cl.want(fmt.Sprint("t", n))
	}
	cl.want("recovery")
}

// A client with an unusable cursor gets a gap. It gets no HTTP error, because an EventSource would
// not reconnect after one.
func TestBadCursors(t *testing.T) { bothWays(t, testBadCursors) }

func testBadCursors(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	head := r.publish(t, notify.Notification{Type: "t"}, notify.ToAll())
	epoch := head[:9]
	foreign := "00000001-"
	if epoch == foreign {
		foreign = "00000002-"
	}
	for _, c := range []struct {
		id, reason string
		hello, gap string // ids of connected and of the gap
		replayed   int
	}{
		{epoch + "999", "ahead", epoch + "999", head, 0},
		{epoch + "9999999999999999", "ahead", epoch + "9999999999999999", head, 0},
		{foreign + "5", "epoch", foreign + "5", foreign + "5", 1},
		{"00000000-0", "invalid", "", head, 0},
		{epoch + "-1", "invalid", "", head, 0},
		{epoch + "01", "invalid", "", head, 0},
		{strings.ToUpper("abcdef01-1"), "invalid", "", head, 0},
		{"1", "invalid", "", head, 0},
		{"-1", "invalid", "", head, 0},
		{"null", "invalid", "", head, 0},
		{"\xff\xfe", "invalid", "", head, 0},
		{epoch + "99999999999999999", "invalid", "", head, 0},
		{strings.Repeat("9", 1<<19), "invalid", "", head, 0},
		{"$", "invalid", "", head, 0},
		{"0-0", "invalid", "", head, 0},
	} {
		name := c.id[:min(len(c.id), 40)]
		for _, given := range []struct {
			target string
			header []string
		}{
			{"/sse", []string{"Last-Event-ID", c.id}},
			{"/sse?since=" + url.QueryEscape(c.id), nil},
		} {
			cl := open(t, srv.URL+given.target, given.header...)
			if cl.lastID != c.hello || cl.hello.Recovered {
				t.Errorf("%q: connected with id %q, recovered %t", name, cl.lastID,
					cl.hello.Recovered)
			}
			from := c.hello
			e := cl.want("gap")
			if want := fmt.Sprintf(`{"type":"gap","from":"%s","to":"%s","rooms":`, from,
				to(c.reason, head)); !strings.HasPrefix(e.data, want) ||
				!strings.HasSuffix(e.data, `,"reason":"`+c.reason+`"}`) || e.id != c.gap {
				t.Errorf("%q: gap %+v, want %s… with id %s", name, e, want, c.gap)
			}
			for range c.replayed {
				cl.want("t")
			}
			if e := cl.want("recovery"); e.id != head ||
				!strings.Contains(e.data,
					fmt.Sprintf(`"recovered":false,"replayed":%d,`, c.replayed)) {
				t.Errorf("%q: %+v", name, e)
			}
			cl.end()
		}
	}
}

// to returns the end of a gap. With a new epoch the history follows the gap.
func to(reason, head string) string {
	if reason == notify.GapEpoch {
		return head[:9] + "0"
	}
	return head
}

// A client that reconnects again and again, each time with its cursor, gets all messages once and
// in order.
func TestRepeatedResume(t *testing.T) { bothWays(t, testRepeatedResume) }

func testRepeatedResume(t *testing.T, w way) {
	r := newRig(t, Options{})
	srv := r.serve(t, w)
	const n = 200
	var publisher sync.WaitGroup
	defer publisher.Wait()
	publisher.Go(func() {
		for i := range n {
			_, err := r.hub.Publish(t.Context(),
				notify.Notification{Type: "n", Data: raw(fmt.Sprint(i))}, notify.ToChannel("c"))
			if err != nil {
				t.Error(err)
			}
		}
	})
	last := "0"
	for got := 0; got < n; {
		c := open(t, srv.URL+"/sse?channels=c&since="+last)
		for range 7 {
			e := c.want("")
			if e.name == "gap" {
				t.Fatalf("%+v after %s", e, last)
			}
			last = e.id
			if e.name == "n" {
				if !strings.Contains(e.data, fmt.Sprintf(`"data":%d,`, got)) {
					t.Fatalf("got %+v, want %d", e, got)
				}
				got++
			}
			if got == n {
				break
			}
		}
		c.end()
	}
}
