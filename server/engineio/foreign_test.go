package engineio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestTagBeginsEachID also checks that the rest is different for each id, and that an id without a
// tag has the same length and alphabet.
func TestTagBeginsEachID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tag, want string }{
		{"", ""}, {"aB-_", "aB-_"}, {"x", "x"}, {"too long", "too "},
	} {
		seen := map[string]bool{}
		for range 1000 {
			id := newID(c.tag)
			rest, found := strings.CutPrefix(id, c.want)
			if !found || len(id) != 24 || seen[rest] {
				t.Fatalf("tag %q: id %q", c.tag, id)
			}
			seen[rest] = true
		}
	}
	var tag atomic.Value
	tag.Store("one1")
	f := serve(t, Options{Tag: func() string { return tag.Load().(string) }})
	for _, want := range []string{"one1", "two2"} {
		tag.Store(want)
		if _, p := f.open(); !strings.HasPrefix(p.ID(), want) {
			t.Errorf("the id of a session is %q, want the tag %q", p.ID(), want)
		}
		f.dial("")
		if p := f.peer(); !strings.HasPrefix(p.ID(), want) {
			t.Errorf("the id on WebSocket is %q, want the tag %q", p.ID(), want)
		}
	}
}

// TestForeignAnswersForUnknownSessions checks who answers: Foreign those requests that are valid
// except for their id, the server all others.
func TestForeignAnswersForUnknownSessions(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	f := serve(t, Options{Foreign: func(w http.ResponseWriter, r *http.Request, sid string) error {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if err == nil {
			fmt.Fprintf(w, "%s %s %s %s", r.Method, sid, body, r.Header.Get("Upgrade"))
		}
		return err
	}})
	sid, p := f.open()
	for _, c := range []struct {
		method, query, body string
		headers             []string
		want                string // "": Foreign is not asked
	}{
		{"GET", "&transport=polling&sid=other", "", nil, "GET other  "},
		{"POST", "&transport=polling&sid=other", "4x", nil, "POST other 4x "},
		{"GET", "&transport=websocket&sid=other", "", upgradeHeaders, "GET other  websocket"},
		{"POST", sid, "4x", nil, ""},
		{"GET", "&transport=polling", "", nil, ""},
		{"GET", "&transport=other&sid=other", "", nil, ""},
		{"GET", "&transport=polling&sid=other", "", []string{"Origin", "http://foreign.example"}, ""},
		{"GET", "&transport=polling&sid=other" + strings.Repeat("&x", 1024), "", nil, ""},
	} {
		before := asked.Load()
		a := f.do(c.method, c.query, strings.NewReader(c.body), c.headers...)
		if called := asked.Load() > before; called != (c.want != "") || called && a.body != c.want {
			t.Errorf("%s %.40s: Foreign called: %v, answer %q", c.method, c.query, called, a.body)
		}
	}
	p.expect(t, "x")
}

var upgradeHeaders = []string{
	"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
	"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
}

type foreignBusy struct{ error }

func (foreignBusy) HTTPStatus() int           { return http.StatusServiceUnavailable }
func (foreignBusy) RetryAfter() time.Duration { return time.Second }

func TestForeignErrors(t *testing.T) {
	t.Parallel()
	var err error
	f := serve(t, Options{Foreign: func(http.ResponseWriter, *http.Request, string) error { return err }})
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{errors.New("any"), 400, `{"code":1,"message":"Session ID unknown"}`},
		{fmt.Errorf("body: %w", os.ErrDeadlineExceeded), 408, `{"code":3,"message":"Bad request"}`},
		{foreignBusy{errors.New("too many")}, 503, `{"code":4,"message":"too many"}`},
	} {
		err = c.err
		a := f.get("&transport=polling&sid=other")
		f.expect(a, c.status, c.body)
		if retry := a.header.Get("Retry-After"); (c.status == 503) != (retry == "1") {
			t.Errorf("%v: Retry-After %q", c.err, retry)
		}
	}
}
