package hooks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestEventHook(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	a, me := s.Connect(`{"userId":"u1","username":"Ada"}`)
	b, _ := s.Connect(`{"userId":"u2"}`)
	requests := make(chan received, 1)
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- r
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, `{"ack":["ok",{"$binary":"AQI="}],"join":["lobby"],
			"emit":[{"room":"@others","event":"joined","args":[{"name":"Ada"}]},
				{"room":"@self","event":"welcome","volatile":true},
				{"room":"lobby","event":"to all","except":["@self"]}],
			"data":{"seat":7,"name":"Ada"}}`)
	})
	a.Send(`4217["join","lobby",{"n":1.50}]`)
	r := servertest.Receive(t, requests)
	inRooms := []string{me.ClientID, "user:u1"}
	slices.Sort(inRooms)
	if r.Type != "event" || r.Data.Event != "join" || string(r.Data.Args) != `["lobby",{"n":1.50}]` ||
		!r.Data.WantsAck || r.Data.Connection.ID != me.ClientID ||
		r.Data.Connection.UserID != "u1" || r.Data.Connection.Username != "Ada" ||
		r.Data.Connection.Namespace != "/" || r.Data.Connection.Transport != "websocket" ||
		string(r.Data.Connection.Data) != "{}" ||
		!slices.Equal(r.Data.Connection.Rooms, inRooms) {
		t.Errorf("request %+v", r)
	}
	if got := a.Read(); !strings.HasPrefix(got, `42["welcome","`) {
		t.Errorf("the client got %s", got)
	}
	if got := a.Read(); got != `461-17["ok",{"_placeholder":true,"num":0}]` {
		t.Errorf("acknowledged %s", got)
	}
	if _, data, err := a.Conn.ReadMessage(); string(data) != "\x01\x02" || err != nil {
		t.Errorf("attachment %q, %v", data, err)
	}
	if got := b.Read(); !strings.HasPrefix(got, `42["joined",{"name":"Ada"},"`) {
		t.Errorf("the other got %s", got)
	}
	// The second event shows what the first has changed.
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- r
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"leave":["lobby"],"data":{"seat":null},"disconnect":"enough"}`)
	})
	a.Send(`451-["bytes",{"_placeholder":true,"num":0}]`)
	a.SendBinary([]byte{3})
	r = servertest.Receive(t, requests)
	if string(r.Data.Args) != `[{"$binary":"Aw=="}]` || r.Data.WantsAck ||
		string(r.Data.Connection.Data) != `{"seat":7,"name":"Ada"}` ||
		!slices.Contains(r.Data.Connection.Rooms, "lobby") {
		t.Errorf("request %+v", r)
	}
	if got := a.Read(); got != "41" {
		t.Errorf("got %s, want a disconnect", got)
	}
}

// Events of one client are posted one at a time, in their order, while other clients go on.
func TestEventsAreInOrder(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	slow, _ := s.Connect(`{"userId":"slow"}`)
	fast, _ := s.Connect(`{"userId":"fast"}`)
	release, order := make(chan struct{}), make(chan string, 200)
	s.app.answers(func(w http.ResponseWriter, r received) {
		if r.Data.Connection.UserID == "slow" {
			<-release
			order <- string(r.Data.Args)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ack":[]}`)
	})
	const events = 100
	for i := range events {
		slow.Send(fmt.Sprintf(`42["n",%d]`, i))
	}
	fast.Send(`421["hello"]`)
	if got := fast.Read(); got != "431[]" {
		t.Errorf("got %s", got)
	}
	close(release)
	for i := range events {
		if got, want := servertest.Receive(t, order), fmt.Sprintf("[%d]", i); got != want {
			t.Fatalf("event %d was %s", i, got)
		}
	}
}

// An answer that cannot be used is counted, logged once, and the client gets an error as its
// acknowledgement. Nothing of it is done, and other clients do not notice.
func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	json := func(body string) func(http.ResponseWriter, received) {
		return saying(200, "application/json", `{"join":["lobby"],`+body+`}`)
	}
	for name, tt := range with(unusableAnswers, map[string]unusableAnswer{
		"unknown field":     {json(`"acks":[]`), "invalid", `unknown field "acks"`},
		"room of a user":    {json(`"join":["user:u2"]`), "invalid", "not valid"},
		"leaves all":        {json(`"leave":["*"]`), "invalid", "means everyone"},
		"emit field":        {json(`"emit":[{"room":"r","event":"x","to":1}]`), "invalid", "unknown field"},
		"emit event":        {json(`"emit":[{"room":"r","event":"connect"}]`), "invalid", "reserved"},
		"ack is no array":   {json(`"ack":{}`), "invalid", "ack: is not an array"},
		"data is no object": {json(`"data":[]`), "invalid", "data: got an array"},
		"much data":         {json(`"data":{"a":"` + strings.Repeat("x", 17<<10) + `"}`), "invalid", "too large"},
		"refusal":           {saying(403, "application/json", `{"message":"no"}`), "status", "the status 403"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(o *Options) {
				if tt.outcome == "timeout" {
					o.Events.Timeout = 20 * time.Millisecond
				}
			})
			s.app.answers(tt.answer)
			c, me := s.Connect(`{"userId":"u1"}`)
			for id := range 3 {
				c.Send(fmt.Sprintf(`42%d["x"]`, id))
				want := fmt.Sprintf(`43%d[{"error":{"code":"unavailable"}}]`, id)
				if got := c.Read(); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
			if n := s.app.counted("event " + tt.outcome); n != 3 {
				t.Errorf("counted %v", s.app.outcomes)
			}
			lines := s.logs.FilterMessage("hook failed").All()
			if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["reason"].(string), tt.reason) {
				t.Errorf("log %+v, want %q once", lines, tt.reason)
			}
			if m := s.Hub.Member("/", me.ClientID); m == nil || m.In("lobby") {
				t.Error("the client is in the room of an unusable answer")
			}
			s.app.says(`{"ack":["well"]}`)
			servertest.Eventually(t, "the next event is answered", func() bool {
				c.Send(`429["x"]`)
				return c.Read() == `439["well"]`
			})
		})
	}
}

// A handler that takes a request and closes the connection gets the event once.
func TestEventsAreNotRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	requests := make(chan string, 100)
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- string(r.Data.Args)
		if len(requests)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	const events = 20
	for i := range events {
		c.Send(fmt.Sprintf(`42["n",%d]`, i))
	}
	for i := range events {
		if got, want := servertest.Receive(t, requests), fmt.Sprintf("[%d]", i); got != want {
			t.Fatalf("request %d was %s", i, got)
		}
	}
}

// What a client has sent before it left is posted, in its order, when the handler is slow.
func TestEventsOfAClientThatLeftArePosted(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	c, _ := s.Connect(`{"userId":"u1"}`)
	release, order := make(chan struct{}), make(chan string, 100)
	s.app.answers(func(w http.ResponseWriter, r received) {
		<-release
		order <- string(r.Data.Args)
		w.WriteHeader(http.StatusNoContent)
	})
	const events = 20
	for i := range events {
		c.Send(fmt.Sprintf(`42["n",%d]`, i))
	}
	c.Send("41")
	_ = c.Conn.Close()
	close(release)
	for i := range events {
		if got, want := servertest.Receive(t, order), fmt.Sprintf("[%d]", i); got != want {
			t.Fatalf("event %d was %s", i, got)
		}
	}
}

// A handler that hangs delays the clients of its own namespace only.
func TestHandlersDoNotDelayEachOther(t *testing.T) {
	t.Parallel()
	var other *application
	s := newStack(t, func(o *Options) {
		o.Events.Concurrency = 1
		other = &application{t: t, outcomes: map[string]int{}}
		other.says(`{"ack":["fast"]}`)
		o.Events.URLs["/chat"] = "http://" + servertest.Serve(t, other)
	})
	asked := make(chan struct{}, 1)
	s.app.answers(func(_ http.ResponseWriter, r received) {
		asked <- struct{}{}
		<-r.gone
	})
	slow, _ := s.Connect(`{"userId":"slow"}`)
	slow.Send(`421["hang"]`)
	servertest.Receive(t, asked)
	fast := s.Dial("")
	fast.Send(`40/chat,{"userId":"fast"}`)
	fast.Read()
	fast.Send(`42/chat,1["x"]`)
	if got := fast.Read(); got != `43/chat,1["fast"]` {
		t.Errorf("got %s", got)
	}
}
