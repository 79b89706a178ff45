package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

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
	if !slices.Contains(w.channels(), "socket.io-response#/#") {
		t.Error("it does not listen")
	}
	for _, text := range []string{"garbage", `{"requestId":"other","rooms":[]}`,
		`{"type":6,"requestId":"id","data":"a"}`, `{"type":6,"requestId":"id","data":"a"}`} {
		p.published("socket.io-response#/#", []byte(text))
	}
	if all := <-got; !slices.Equal(all, []string{`"a"`, `"a"`, "<nil>"}) {
		t.Errorf("got %q", all)
	}
	if slices.Contains(w.channels(), "socket.io-response#/#") {
		t.Error("it still listens")
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
	p.Represent(true)
	p.Represent(false)
	is()
	p.Enter("/m")
	is()
}
