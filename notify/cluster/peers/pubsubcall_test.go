package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// Calls of a node reach servers with the pub/sub adapter, and count them without the node that represents
// the cluster.
func TestPubSubCalls(t *testing.T) {
	t.Parallel()
	p, w := servePubSub(t, local{}, 0, 2)
	p.newID = func() string { return "id" }
	if n, err := p.ServerCount(t.Context(), "/"); n != 3 || err != nil {
		t.Errorf("%d servers, %v", n, err)
	}
	got := make(chan []string)
	go func() {
		var all []string
		err := p.Call(context.Background(), &nodewire.Entry{Type: nodewire.TypeServerEmit, Namespace: "/",
			Packet: nodewire.Value{JSON: json.RawMessage(`["q"]`)}}, func(e *nodewire.Entry) {
			all = append(all, string(e.Packet.JSON))
		})
		got <- append(all, fmt.Sprint(err))
	}()
	want := `{"uid":"` + cluster + `","requestId":"id","type":6,"data":["q"]}`
	if sent := w.next(t, "socket.io-request#/#"); sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
	p.published("socket.io-request#/#", []byte(want)) // it is subscribed itself
	for _, name := range []string{"socket.io-response#/#", "socket.io-response#/#" + cluster + "#"} {
		if !slices.Contains(w.channels(), name) {
			t.Errorf("it does not listen to %s", name)
		}
	}
	for _, text := range []string{"garbage", `{"requestId":"other","rooms":[]}`,
		`{"type":6,"requestId":"id","data":"a"}`} {
		p.published("socket.io-response#/#", []byte(text))
	}
	// With publishOnSpecificResponseChannel.
	p.published("socket.io-response#/#"+cluster+"#", []byte(`{"type":6,"requestId":"id","data":"a"}`))
	if all := <-got; !slices.Equal(all, []string{`"a"`, `"a"`, "<nil>"}) {
		t.Errorf("got %q", all)
	}
	if slices.ContainsFunc(w.channels(), func(name string) bool { return strings.Contains(name, "-response#") }) {
		t.Errorf("it still listens: %q", w.channels())
	}
	if err := p.Tell(t.Context(), &nodewire.Entry{Type: nodewire.TypeServerEmit, Namespace: "/",
		Packet: nodewire.Value{JSON: json.RawMessage(`["t"]`)}}); err != nil {
		t.Error(err)
	}
	if sent := w.next(t, "socket.io-request#/#"); sent != `{"uid":"`+cluster+`","type":6,"data":["t"]}` {
		t.Errorf("told %s", sent)
	}
}

// A node is subscribed to requests of servers with the pub/sub adapter while it represents its cluster, in
// the namespaces that it has.
func TestRepresent(t *testing.T) {
	t.Parallel()
	p, w := servePubSub(t, local{}, 0, 1)
	is := func(want ...string) {
		t.Helper()
		var got []string
		for _, name := range w.channels() {
			if strings.HasPrefix(name, "socket.io") || strings.Contains(name, "represents") {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("subscribed to %q, want %q", got, want)
		}
	}
	p.Enter("/n")
	is("roomcast-represents#/#", "roomcast-represents#/n#", "socket.io-request#/#", "socket.io-request#/n#")
	p.Represent(time.Now().Add(time.Hour))
	p.Represent(time.Time{})
	is()
	p.Enter("/m")
	is()
}

// A node that has stood still, and no longer represents the cluster, does not act on what it received.
func TestRepresentsUntil(t *testing.T) {
	t.Parallel()
	l := local{asked: make(chan *nodewire.Entry, 10)}
	p, w := servePubSub(t, l, 0, 1)
	p.Represent(time.Now().Add(-time.Second))
	send := func(event string) {
		p.published("socket.io-request#/#", []byte(`{"uid":"x","type":6,"data":["`+event+`"]}`))
		p.published("socket.io-request#/#", []byte(`{"uid":"x","requestId":"`+event+`","type":1}`))
	}
	send("late")
	p.Represent(time.Now().Add(time.Hour))
	send("now")
	if e := <-l.asked; string(e.Packet.JSON) != `["now"]` {
		t.Errorf("handled %s", e.Packet.JSON)
	}
	w.next(t, "roomcast#/#")
	if got := w.next(t, "socket.io-response#/#"); got != `{"requestId":"now","rooms":[]}` {
		t.Errorf("answered %s", got)
	}
}

// Servers with the pub/sub adapter that ask without end leave calls to this node, and get no answer that
// looks complete and is not.
func TestRepresentedCallsAreBounded(t *testing.T) {
	t.Parallel()
	p, w := servePubSub(t, local{}, 1, 1)
	ask := func(i int) {
		e := &nodewire.Entry{Type: nodewire.TypeBroadcast, UID: "x", RequestID: fmt.Sprint(i), Namespace: "/",
			Opts: nodewire.Opts{Timeout: time.Minute}, Packet: nodewire.Value{JSON: json.RawMessage(`["e"]`)}}
		payload, err := e.AppendRequest(nil)
		if err != nil {
			t.Fatal(err)
		}
		p.published("socket.io-request#/#", payload)
	}
	for i := range maxRepresentedAsks {
		ask(i)
		w.next(t, "roomcast#/#") // the other server does not answer
	}
	ask(-1) // dropped
	done := make(chan error)
	go func() {
		done <- p.Call(context.Background(), &nodewire.Entry{Type: nodewire.TypeFetchSockets, Namespace: "/"},
			func(*nodewire.Entry) {})
	}()
	w.next(t, "socket.io-request#/#")
	e, err := nodewire.DecodeMap([]byte(w.next(t, "roomcast#/#")))
	if err != nil || e.Type != nodewire.TypeFetchSockets {
		t.Fatalf("%+v, %v", e, err)
	}
	p.receive(&nodewire.Entry{Type: nodewire.TypeSockets, UID: "b", Namespace: "/", RequestID: e.RequestID,
		Packet: nodewire.Value{JSON: json.RawMessage(`[]`)}}, byChannel)
	p.published("socket.io-response#/#", []byte(`{"requestId":"`+e.RequestID+`","sockets":[]}`))
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	p.answers = maxAnswerBytes // the next call is one too many
	p.mu.Unlock()
	p.published("socket.io-request#/#", []byte(`{"uid":"x","requestId":"f","type":5,"opts":{"rooms":[],"except":[]}}`))
	p.published("socket.io-request#/#", []byte(`{"uid":"x","type":6,"data":["after"]}`))
	if got := w.next(t, "roomcast#/#"); !strings.Contains(got, "after") {
		t.Errorf("sent %q", got)
	}
	p.mu.Lock()
	p.answers = 0
	p.mu.Unlock()
}

// A node that ends answers what it was asked while it represented the cluster.
func TestRepresentsToItsEnd(t *testing.T) {
	t.Parallel()
	p, w := servePubSub(t, local{}, 1, 1)
	p.published("socket.io-request#/#", []byte(`{"uid":"x","requestId":"f","type":1}`))
	e, err := nodewire.DecodeMap([]byte(w.next(t, "roomcast#/#")))
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() { defer close(closed); p.Represent(time.Time{}); p.Close() }()
	answer := &nodewire.Entry{Type: nodewire.TypeSockets, UID: "b", Namespace: "/", RequestID: e.RequestID}
	if err := answer.SetSockets([]nodewire.Socket{socketOf("b")}); err != nil {
		t.Fatal(err)
	}
	p.receive(answer, byChannel)
	if got := w.next(t, "socket.io-response#/#"); got != `{"requestId":"f","rooms":["b"]}` {
		t.Errorf("answered %s", got)
	}
	<-closed
}
