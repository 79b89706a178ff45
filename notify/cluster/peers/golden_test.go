package peers

import (
	"testing"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// exchange is a request in a recording and its answers.
type exchange struct {
	request line
	answers []line
}

// exchanges returns the requests of a recording that have answers.
func exchanges(t *testing.T, name string) (list []exchange) {
	t.Helper()
	at := map[string]int{}
	for _, l := range recording(t, name) {
		if l.Channel == "" && len(l.Fields) == 0 {
			continue // a session
		}
		e := l.entry(t)
		if e == nil || e.RequestID == "" {
			continue
		}
		i, known := at[e.RequestID]
		if !known {
			at[e.RequestID] = len(list)
			list = append(list, exchange{request: l})
			continue
		}
		list[i].answers = append(list[i].answers, l)
	}
	if len(list) != 4 {
		t.Fatalf("%d exchanges in %s", len(list), name)
	}
	return list
}

// TestAnswersOfNode checks that a server that has what a Node server had answers with its bytes.
func TestAnswersOfNode(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"streams-0.3.1.jsonl", "streams-0.2.3.jsonl"} {
		for _, x := range exchanges(t, name) {
			t.Run(name+" "+x.request.Call, func(t *testing.T) {
				t.Parallel()
				var l local
				uid := ""
				for _, answer := range x.answers {
					e := answer.entry(t)
					uid = e.UID
					switch e.Type {
					case nodewire.TypeSockets:
						var err error
						if l.sockets, err = e.Sockets(); err != nil {
							t.Fatal(err)
						}
					case nodewire.TypeClientCount:
						l.clients = e.Count
					default:
						l.answers = append(l.answers, e.Packet)
					}
				}
				w := newWire(2)
				serve(t, w, l, uid)
				if x.request.Channel != "" {
					w.published(x.request.Channel, x.request.payload(t))
				} else {
					w.read(x.request.entry(t))
				}
				for _, answer := range x.answers {
					if got, want := <-w.sent, answer.text(); got != want {
						t.Errorf("sent %s\nwant %s", readable(got), readable(want))
					}
				}
			})
		}
	}
}

// TestRequestsOfNode checks that a call is sent with the bytes of Node, except its random id.
func TestRequestsOfNode(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"streams-0.3.1.jsonl", "streams-0.2.3.jsonl"} {
		for _, x := range exchanges(t, name) {
			t.Run(name+" "+x.request.Call, func(t *testing.T) {
				t.Parallel()
				request := x.request.entry(t)
				id := request.RequestID
				w := newWire(2)
				p := serve(t, w, local{}, request.UID)
				p.newID = func() string { return id }
				if x.request.Channel == "" {
					w.mu.Lock()
					w.servers = 1
					w.mu.Unlock()
					hello := *x.answers[0].entry(t)
					hello.Type = nodewire.TypeHeartbeat
					w.read(&hello)
				}
				var got []*nodewire.Entry
				done := make(chan error, 1)
				go func() { done <- p.Call(t.Context(), request, func(e *nodewire.Entry) { got = append(got, e) }) }()
				if got, want := <-w.sent, x.request.text(); got != want {
					t.Errorf("sent %s\nwant %s", readable(got), readable(want))
				}
				for _, answer := range x.answers {
					if answer.Channel != "" {
						w.published(answer.Channel, answer.payload(t))
					} else {
						w.read(answer.entry(t))
					}
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
				if len(got) != len(x.answers) {
					t.Errorf("%d answers, want %d", len(got), len(x.answers))
				}
			})
		}
	}
}
