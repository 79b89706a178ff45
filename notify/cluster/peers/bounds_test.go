package peers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(2)
		p := serve(t, w, local{}, own)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, maxCalls)
		for range maxCalls {
			go func() { ended <- p.Call(ctx, fetch(), func(*nodewire.Entry) {}) }()
		}
		synctest.Wait()
		if err := p.Call(ctx, fetch(), nil); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v", err)
		}
		cancel()
		for range maxCalls {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		}
		// The answers to one call.
		ask := &nodewire.Entry{Type: nodewire.TypeBroadcast, Namespace: "/",
			Packet: nodewire.Value{JSON: []byte(`["x"]`)}}
		c := start(p, t.Context(), ask)
		answer := nodewire.Entry{Type: nodewire.TypeAck, UID: other, Namespace: "/", RequestID: "id",
			Packet: nodewire.Value{JSON: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}}
		for range maxAnswerBytes>>20 + 1 {
			w.read(&answer)
		}
		<-c.done
		if !errors.Is(c.err, ErrBusy) || len(c.got) != maxAnswerBytes>>20-1 {
			t.Errorf("%d answers, error %v", len(c.got), c.err)
		}
		if p.answers != 0 || len(p.calls) != 0 {
			t.Errorf("%d bytes of %d calls are left", p.answers, len(p.calls))
		}
		p.Close()
		if err := p.Call(t.Context(), fetch(), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// A request that has no place is not kept for its answer, and a flood of them is one line a minute.
func TestFullInbox(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logger, log := servertest.NewLog()
		o := DefaultOptions()
		o.UID, o.Log = own, logger
		w := newWire(2)
		l := local{asked: make(chan *nodewire.Entry)} // blocks
		p := New(w, wireStream{w}, o)
		p.Serve(l)
		defer p.Close()
		synctest.Wait()
		w.drain()
		const refused = 500
		flood := func(first, n int) {
			for i := range n {
				w.read(&nodewire.Entry{Type: nodewire.TypeServerEmit, UID: node, Namespace: "/",
					RequestID: fmt.Sprint(first + i), Packet: nodewire.Value{JSON: []byte(`["x"]`)}})
			}
			synctest.Wait()
		}
		flood(0, 1)
		flood(1, maxRequests+refused)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		answers := 0
		for _, text := range w.drain() { // and heartbeats
			if strings.Contains(text, " type 10 ") {
				answers++
			}
		}
		if answers != 1+maxRequests {
			t.Errorf("%d answers, want one for each of %d requests", answers, 1+maxRequests)
		}
		const line = "dropped requests of other servers"
		if n := strings.Count(log.Text(), line); n != 1 {
			t.Errorf("%d lines about %d requests", n, refused)
		}
		time.Sleep(time.Minute)
		flood(2*maxRequests, 1)
		if text := log.Text(); strings.Count(text, line) != 2 ||
			!strings.Contains(text, fmt.Sprintf(`"requests":%d`, refused)) {
			t.Errorf("after a minute: %s", text)
		}
		for range 1 + maxRequests {
			<-l.asked
		}
	})
}

// Clients get no more namespaces than the bound, and those that nobody uses give way to others at once.
func TestNamespacesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWire(1)
	p := New(w, wireStream{w}, DefaultOptions()) // not serving, so nothing is subscribed
	name := func(i int) string { return fmt.Sprint("/", i) }
	for i := range maxNamespaces {
		if !p.Admits(name(i)) {
			t.Fatalf("namespace %d is refused", i)
		}
		p.Enter(name(i))
	}
	if p.Admits("/more") || !p.Admits(name(0)) {
		t.Error("the bound is not that of all namespaces")
	}
	p.Leave(name(1))
	if !p.Admits("/more") {
		t.Error("a namespace that nobody uses has a place")
	}
	p.Enter("/more")
	if p.namespaces[name(1)] != nil || len(p.namespaces) != maxNamespaces || p.idle.Len() != 0 {
		t.Errorf("%d namespaces, %d without use", len(p.namespaces), p.idle.Len())
	}
	for i := range 1000 { // they come and go
		p.Leave(name(2 + i))
		p.Enter(fmt.Sprint("/new", i))
		p.Enter(fmt.Sprint("/new", i))
		p.Leave(fmt.Sprint("/new", i))
	}
	if len(p.namespaces) != maxNamespaces || p.idle.Len() != 0 {
		t.Errorf("%d namespaces, %d without use", len(p.namespaces), p.idle.Len())
	}
	p.Leave("/new0")
	p.Enter("/new0")
	if p.idle.Len() != 0 {
		t.Errorf("%d namespaces without use", p.idle.Len())
	}
	p.leaveAll()
	if len(p.namespaces) != 0 || p.idle.Len() != 0 {
		t.Errorf("%d namespaces are left, %d without use", len(p.namespaces), p.idle.Len())
	}
}

// Another server gets a smaller list in place of one that is too large.
func TestLargeListOfClients(t *testing.T) {
	t.Parallel()
	w := newWire(2)
	l := local{}
	for i := range 100 {
		l.sockets = append(l.sockets, nodewire.Socket{ID: fmt.Sprint(i), Rooms: []string{"r"},
			Data: []byte(`"` + strings.Repeat("x", 100<<10) + `"`)})
	}
	serve(t, w, l, own)
	w.read(&nodewire.Entry{Type: nodewire.TypeFetchSockets, UID: node, Namespace: "/", RequestID: "1"})
	text := <-w.sent
	begin := "uid " + own + ` nsp / type 8 data {"requestId":"1","sockets":[` +
		`{"id":"0","handshake":{},"rooms":["r"],"data":{}},`
	if !strings.HasPrefix(text, begin) || strings.Count(text, `"id"`) != 100 {
		t.Errorf("sent %.200s", text)
	}
}

// Messages of other programs in the channels change nothing.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	w := newWire(2)
	l := local{changed: make(chan *nodewire.Entry, 1)}
	serve(t, w, l, own)
	request := &nodewire.Entry{Type: nodewire.TypeFetchSockets, UID: node, Namespace: "/", RequestID: "1"}
	map7, err := request.AppendMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	join := say(node, "/", nodewire.TypeJoin)
	join.Rooms = []string{"r"}
	map4, err := join.AppendMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Message{
		{"socket.io#/other#", map7}, {"else#/#", map7}, {"socket.io-request#/#", map7},
		{"socket.io#/#", []byte("{")}, {"socket.io#/#", []byte{0x93}}, {"socket.io#/#", nil},
		{"socket.io#/#", map4},
	} {
		w.published(m.Channel, m.Payload)
	}
	w.published("socket.io#/#", map7)
	if text := <-w.sent; !strings.HasPrefix(text, "socket.io#/#"+node+"# ") || len(w.sent) > 0 ||
		len(l.changed) > 0 {
		t.Errorf("sent %q and %d more", text, len(w.sent))
	}
	w.read(join)
	if got := <-l.changed; got != join {
		t.Errorf("changed by %v", got)
	}
}
