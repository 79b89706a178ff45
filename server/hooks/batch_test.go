package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// ask is an event in a request for a batch.
type ask struct {
	ID   string
	Data int
}

// newBatch returns batches whose requests a function answers, and a number of events for one
// request.
func newBatch(
	t *testing.T, n int, answer func(w http.ResponseWriter, asks []ask),
) (*batches, []*posted) {
	t.Helper()
	o := DefaultOptions()
	o.Secrets, o.AllowPrivate = []auth.Secret{auth.Secret(testSecret)}, true
	o.Events.Batch = 1 << 10
	o.Events.Timeout = servertest.Patience
	o.Events.URLs = map[string]string{"/": "http://" + servertest.Serve(t, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			var request struct {
				Type string
				Data struct{ Events []ask }
			}
			err := json.NewDecoder(r.Body).Decode(&request)
			if err != nil || request.Type != "events" || r.Header.Get("webhook-signature") == "" {
				t.Errorf("request %+v: %v", request, err)
			}
			w.Header().Set("Content-Type", "application/x-ndjson")
			answer(w, request.Data.Events)
		}))}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	b := h.batches[o.Events.URLs["/"]]
	var events []*posted
	for i := range n {
		id := newID()
		body, _ := encode(request{"event", id, "", i})
		events = append(events, &posted{id, body, t.Context(), make(chan answered, 1)})
	}
	return b, events
}

// A slow event does not delay the others of its request, and the order of the lines is free.
func TestAnswersOfABatch(t *testing.T) {
	t.Parallel()
	slow := make(chan struct{})
	b, events := newBatch(t, 3, func(w http.ResponseWriter, asks []ask) {
		line := func(i int, answer string) {
			fmt.Fprintf(w, `{"id":%q,"answer":%s}`+"\r\n\n", asks[i].ID, answer)
			_ = http.NewResponseController(w).Flush()
		}
		line(2, `{"ack":[2]}`)
		line(1, "null")
		<-slow
		line(0, `{"ack":[0]}`)
	})
	go b.exchange(events)
	for _, c := range []struct {
		i    int
		text string
	}{{2, `{"ack":[2]}`}, {1, ""}, {0, `{"ack":[0]}`}} {
		if c.i == 0 {
			close(slow)
		}
		a := servertest.Receive(t, events[c.i].answer)
		if a.err != nil || string(a.text.Bytes()) != c.text {
			t.Errorf("event %d: %s, %v", c.i, a.text.Bytes(), a.err)
		}
	}
}

// A handler whose answer is not usable gets no event twice: those without an answer fail.
func TestUnusableAnswersOfABatch(t *testing.T) {
	t.Parallel()
	lines := func(format string) func(http.ResponseWriter, []ask) {
		return func(w http.ResponseWriter, asks []ask) {
			fmt.Fprintf(w, `{"id":%q,"answer":{}}`+"\n", asks[0].ID)
			fmt.Fprint(w, strings.ReplaceAll(format, "ID", asks[1].ID))
		}
	}
	for name, c := range map[string]struct {
		answer          func(http.ResponseWriter, []ask)
		outcome, reason string
		first           bool // the first event has its answer
	}{
		"status": {func(w http.ResponseWriter, _ []ask) { w.WriteHeader(204) }, "status", "204", false},
		"JSON": {func(w http.ResponseWriter, _ []ask) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{}`)
		}, "invalid", "expected application/x-ndjson", false},
		"cut":     {func(http.ResponseWriter, []ask) { panic(http.ErrAbortHandler) }, "unreachable", "", false},
		"missing": {lines(""), "invalid", "no line", true},
		"twice":   {lines(`{"id":"ID"}` + "\n" + `{"id":"ID"}`), "", "", true},
		"unknown": {lines(`{"id":"other"}`), "invalid", "no open event", true},
		"no id":   {lines(`{"answer":{}}`), "invalid", "no open event", true},
		"member":  {lines(`{"id":"ID","ack":[]}`), "invalid", `the member "ack"`, true},
		"type":    {lines(`{"id":1}`), "invalid", `expected id`, true},
		"list":    {lines(`{"id":"ID","answer":[]}`), "invalid", "expected an object", true},
		"half":    {lines(`{"id":"ID","answer":{`), "invalid", "not valid", true},
		"large":   {lines(`{"id":"ID","answer":{"a":"` + strings.Repeat("x", 2<<20)), "invalid", "larger", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, events := newBatch(t, 2, c.answer)
			b.exchange(events)
			if a := <-events[0].answer; (a.err == nil) != c.first {
				t.Errorf("first event: %v", a.err)
			}
			a := <-events[1].answer
			var failure *Failure
			if errors.As(a.err, &failure); (a.err == nil) != (c.outcome == "") || a.err != nil &&
				(failure.Outcome != c.outcome || !strings.Contains(failure.Reason, c.reason)) {
				t.Errorf("second event: %v", a.err)
			}
		})
	}
}

// A request has a bound in events and bytes, and none that nobody waits for.
func TestEventsOfABatch(t *testing.T) {
	t.Parallel()
	b, events := newBatch(t, 0, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	add := func(n, size int, ctx context.Context) {
		for range n {
			p := &posted{ctx: ctx, body: make(json.RawMessage, size)}
			events = append(events, p)
			b.waiting = append(b.waiting, p)
		}
	}
	add(2, maxEventsBytes+1, t.Context())
	add(3, maxEventsBytes/2, t.Context())
	add(1, 10, gone)
	add(b.hooks.o.Events.Batch+1, 10, t.Context())
	for i, want := range []int{1, 1, 2, b.hooks.o.Events.Batch, 2, 0} {
		if got := len(b.take()); got != want {
			t.Errorf("request %d has %d events, want %d", i, got, want)
		}
	}
}

// Each client's events are answered in their order, whichever requests they are in.
func TestBatchesOfManyClients(t *testing.T) {
	t.Parallel()
	const clients, each = 40, 20
	s := newStack(t, func(o *Options) { o.Events.Batch = 16 })
	s.app.answers(func(w http.ResponseWriter, r received) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"ack":%s}`, r.Data.Args)
	})
	all := make([]*servertest.WebSocket, clients)
	for i := range all {
		all[i], _ = s.Connect(fmt.Sprintf(`{"userId":"u%d"}`, i))
	}
	for n := range each {
		for i, c := range all {
			c.Send(fmt.Sprintf(`42%d["e",%d,%d]`, n, i, n))
		}
	}
	for n := range each {
		for i, c := range all {
			if got, want := c.Read(), fmt.Sprintf(`43%d[%d,%d]`, n, i, n); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
	}
	if n := s.app.counted("event ok"); n != clients*each {
		t.Errorf("%d events", n)
	}
}

// An event that a handler never answers fails at its deadline, and the others do not.
func TestDeadlineInABatch(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.Events.Batch, o.Events.Timeout = 16, time.Second })
	s.app.answers(func(w http.ResponseWriter, r received) {
		if r.Data.Event == "never" {
			<-r.gone
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`421["never"]`)
	if got := c.Read(); got != `431[{"error":{"code":"unavailable"}}]` {
		t.Errorf("got %s", got)
	}
	if n := s.app.counted("event timeout"); n != 1 {
		t.Errorf("%d timeouts", n)
	}
}
