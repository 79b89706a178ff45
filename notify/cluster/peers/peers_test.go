package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

const (
	own   = "7263000000000001"
	other = "7263000000000002"
	node  = "0000000000000003" // a server with adapter 0.2
)

// drain returns what was sent, without waiting.
func (w *wire) drain() (sent []string) {
	for {
		select {
		case text := <-w.sent:
			sent = append(sent, text)
		default:
			return sent
		}
	}
}

func beat(namespace string, t int) string {
	return fmt.Sprintf("uid %s nsp %s type %d", own, namespace, t)
}

func say(uid, namespace string, t nodewire.Type) *nodewire.Entry {
	return &nodewire.Entry{Type: t, UID: uid, Namespace: namespace}
}

// Heartbeats are for servers with adapter 0.2, and for nobody else.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		p := serve(t, w, local{}, own)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := w.drain(); !slices.Equal(got, want) {
				t.Errorf("sent %q, want %q", got, want)
			}
		}
		p.Enter("/n")
		w.read(say(other, "/", nodewire.TypeHello)) // of a Roomcast node
		time.Sleep(time.Minute)
		expect()

		w.read(say(node, "/", nodewire.TypeHello))
		expect(beat("/", 2))
		time.Sleep(time.Second)
		expect(beat("/", 2)) // a server that starts misses the first
		for range 2 {
			time.Sleep(4 * time.Second)
			w.read(say(node, "/", nodewire.TypeHeartbeat))
			time.Sleep(time.Second)
			expect(beat("/", 2))
		}
		p.Enter("/m") // other servers with adapter 0.2 may have it
		expect(beat("/m", 1))
		time.Sleep(time.Minute) // the server is dead
		if sent := w.drain(); len(sent) != 2 {
			t.Errorf("sent %q to a server that is silent", sent)
		}
		w.read(say(node, "/", nodewire.TypeHeartbeat))
		synctest.Wait()
		w.drain()
		p.Close()
		sent := w.drain()
		slices.Sort(sent)
		if want := []string{beat("/", 13), beat("/m", 13)}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})
}

// A namespace that nobody uses keeps its channels for a while.
func TestNamespacesLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		p := serve(t, w, local{}, own)
		p.Enter("/n")
		p.Leave("/n")
		time.Sleep(linger - 2*time.Second)
		p.Enter("/n")
		p.Leave("/n")
		time.Sleep(linger - 2*time.Second)
		synctest.Wait()
		want := []string{"socket.io#/#", "socket.io#/#" + own + "#", "socket.io#/n#", "socket.io#/n#" + own + "#"}
		if got := w.channels(); !slices.Equal(got, want) {
			t.Errorf("subscribed %q, want %q", got, want)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := w.channels(); !slices.Equal(got, want[:2]) {
			t.Errorf("subscribed %q, want %q", got, want[:2])
		}
	})
}

func fetch() *nodewire.Entry {
	return &nodewire.Entry{Type: nodewire.TypeFetchSockets, Namespace: "/"}
}

func sockets(t testing.TB, uid, id string) *nodewire.Entry {
	t.Helper()
	e := &nodewire.Entry{UID: uid, Namespace: "/", RequestID: "id"}
	if err := e.SetSockets([]nodewire.Socket{{ID: id}}); err != nil {
		t.Fatal(err)
	}
	return e
}

// called is a call that runs.
type called struct {
	got  []*nodewire.Entry
	err  error
	took time.Duration
	done chan struct{}
}

func start(p *Peers, ctx context.Context, e *nodewire.Entry) *called {
	c := &called{done: make(chan struct{})}
	p.newID = func() string { return "id" }
	begin := time.Now()
	go func() {
		defer close(c.done)
		c.err = p.Call(ctx, e, func(e *nodewire.Entry) { c.got = append(c.got, e) })
		c.took = time.Since(begin)
	}()
	synctest.Wait()
	return c
}

func TestSilentServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(4)
		p := serve(t, w, local{}, own)
		c := start(p, t.Context(), fetch())
		for _, uid := range []string{other, other, own} { // the same twice, and itself
			payload, err := sockets(t, uid, "a").AppendMap(nil)
			if err != nil {
				t.Fatal(err)
			}
			w.published("socket.io#/#"+own+"#", payload)
		}
		<-c.done
		var silent *SilentError
		if !errors.As(c.err, &silent) || *silent != (SilentError{2, 3}) ||
			!errors.Is(c.err, context.DeadlineExceeded) {
			t.Errorf("error %v", c.err)
		}
		if len(c.got) != 1 || c.took != 5*time.Second {
			t.Errorf("%d answers after %v", len(c.got), c.took)
		}
	})
}

// A server with adapter 0.2 that ends, or that is not heard for 10 seconds, is not waited for.
func TestServersThatEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		p := serve(t, w, local{}, own)
		w.read(say(node, "/", nodewire.TypeHeartbeat))
		c := start(p, t.Context(), fetch())
		time.Sleep(time.Second)
		w.read(say(node, "/", nodewire.TypeClose))
		<-c.done
		if c.err != nil || c.took != time.Second {
			t.Errorf("error %v after %v", c.err, c.took)
		}
		w.read(say(node, "/", nodewire.TypeHeartbeat))
		time.Sleep(8 * time.Second)
		c = start(p, t.Context(), fetch())
		<-c.done
		if c.err != nil || c.took > 3*time.Second {
			t.Errorf("error %v after %v", c.err, c.took)
		}
		if n, err := p.ServerCount(t.Context(), "/"); n != 1 || err != nil {
			t.Errorf("%d servers, %v", n, err)
		}
	})
}

// A handler that does not answer must not make another server wait for its timeout.
func TestEventsAreAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWire(1)
		l := local{asked: make(chan *nodewire.Entry)} // blocks
		serve(t, w, l, own)
		event := &nodewire.Entry{Type: nodewire.TypeServerEmit, UID: node, Namespace: "/", RequestID: "1",
			Packet: nodewire.Value{JSON: []byte(`["x"]`)}}
		begin := time.Now()
		for range 3 {
			w.read(event)
		}
		time.Sleep(4 * time.Second)
		want := "uid " + own + ` nsp / type 10 data {"requestId":"1","packet":null}`
		n := 0
		for _, text := range w.drain() {
			if text == want {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%d answers after %v, want 3", n, time.Since(begin))
		}
		for range 3 {
			<-l.asked
		}
	})
}

// TestAnswersInAnyOrder checks that a call of clients ends with the last answer, and not before.
func TestAnswersInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWire(1)
	p := serve(t, w, local{}, own)
	rapid.Check(t, func(r *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 4).Draw(r, "clients of each server")
		w.mu.Lock()
		w.servers = 1 + len(counts)
		w.mu.Unlock()
		id := newRequestID()
		p.newID = func() string { return id }
		var all []*nodewire.Entry
		acks := 0
		for i, n := range counts {
			e := nodewire.Entry{UID: fmt.Sprint(i), Namespace: "/", RequestID: id}
			e.Type, e.Count = nodewire.TypeClientCount, n
			all = append(all, &e)
			for range n {
				ack := e
				ack.Type, ack.Count, ack.Packet = nodewire.TypeAck, 0, null()
				all = append(all, &ack)
				acks++
			}
		}
		all = rapid.Permutation(all).Draw(r, "order")
		ask := &nodewire.Entry{Type: nodewire.TypeBroadcast, Namespace: "/",
			Packet: nodewire.Value{JSON: []byte(`["x"]`)}}
		got := 0
		done := make(chan error, 1)
		go func() {
			done <- p.Call(context.Background(), ask, func(e *nodewire.Entry) {
				if e.Type == nodewire.TypeAck {
					got++
				}
			})
		}()
		<-w.sent // the request
		for _, e := range all[:len(all)-1] {
			p.receive(e, byChannel)
		}
		select {
		case err := <-done:
			r.Fatalf("ended before the last answer: %v", err)
		default:
		}
		p.receive(all[len(all)-1], byChannel)
		if err := <-done; err != nil || got != acks {
			r.Fatalf("%d acknowledgements, want %d: %v", got, acks, err)
		}
	})
}
