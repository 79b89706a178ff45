package engineio

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// bomb is a Source that panics after its first message.
type bomb struct{}

func (bomb) Pull(b *Batch) bool {
	b.Text([]byte("last words"))
	panic("boom")
}

// TestPanicOfASourceEndsOnlyItsSession checks that the shared writer continues.
func TestPanicOfASourceEndsOnlyItsSession(t *testing.T) {
	f := serve(t, Options{})
	other, q := f.connect()
	for range 8 {
		ws, p := f.connect()
		p.SetSource(bomb{})
		ws.expectClose(closeUnexpected)
		p.expectClosed(t, ReasonForcedClose)
	}
	if err := q.Send([]byte("still here"), false); err != nil {
		t.Fatal(err)
	}
	other.expect("4still here")
}

// TestSharedWritersDoNotWait checks that clients that read nothing do not delay another one.
func TestSharedWritersDoNotWait(t *testing.T) {
	f := serve(t, Options{WriteTimeout: patience})
	frame := NewFrame(bytes.Repeat([]byte("x"), 30_000))
	for range 20 {
		_, p := f.connect()
		p.SetSource(&endlessSource{frame: frame})
	}
	ws, p := f.connect()
	src := newQueue(p.Session)
	p.SetSource(src)
	for i := range 100 {
		src.send(NewFrame(fmt.Append(nil, i)))
		ws.expect(fmt.Sprintf("4%d", i))
	}
	f.s.Range(func(s *Session) bool { s.end(ending{reason: ReasonForcedClose}); return true })
}

// TestSharedWritersKeepTheOrder sends to more sessions than the writers take at once. Each gets its
// frames in order: small ones, which the batch copies, and large ones, which it does not.
func TestSharedWritersKeepTheOrder(t *testing.T) {
	f := serve(t, Options{})
	const clients, messages = 100, 50
	text := func(i int) string {
		if i%10 == 0 {
			return fmt.Sprint(i, strings.Repeat(".", 40_000))
		}
		return fmt.Sprint(i)
	}
	var sockets []*socket
	var sources []*queue
	for range clients {
		ws, p := f.connect()
		src := newQueue(p.Session)
		p.SetSource(src)
		sockets, sources = append(sockets, ws), append(sources, src)
	}
	go func() {
		for i := range messages {
			frame := NewFrame([]byte(text(i)))
			for _, src := range sources {
				src.send(frame)
			}
		}
	}()
	for _, ws := range sockets {
		for i := range messages {
			ws.expect("4" + text(i))
		}
	}
}

// TestMessageForFewOvertakesThoseForMany checks that a session with a message for itself is written
// before sessions with a message for thousands, also when it has such a message too.
func TestMessageForFewOvertakesThoseForMany(t *testing.T) {
	f := serve(t, Options{})
	const members = 100
	sockets, peers := make([]*socket, members), make([]*peer, members)
	for i := range members {
		sockets[i], peers[i] = f.connect()
	}
	gate := &gate{reached: make(chan struct{}, 1), open: make(chan struct{})}
	for range runtime.GOMAXPROCS(0) { // all writers are busy
		_, p := f.connect()
		p.SetSource(gate)
		<-gate.reached
	}
	var order []int
	var mu sync.Mutex
	for i, p := range peers {
		p.mu.Lock()
		p.source = pullFunc(func(b *Batch) bool {
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			b.Text([]byte("x"))
			return false
		})
		p.mu.Unlock()
		p.WakeFor(5000)
		p.WakeFor(5000)
		if i == members-1 {
			p.Wake()
		}
	}
	close(gate.open)
	for _, ws := range sockets {
		ws.expect("4x")
	}
	if at := slices.Index(order, members-1); at > 2*16*runtime.GOMAXPROCS(0) {
		t.Errorf("the session with a message for itself was number %d", at)
	}
}

// gate is a Source whose Pull waits.
type gate struct{ reached, open chan struct{} }

func (g *gate) Pull(*Batch) bool {
	g.reached <- struct{}{}
	<-g.open
	return false
}

type pullFunc func(*Batch) bool

func (f pullFunc) Pull(b *Batch) bool { return f(b) }

// wrapped is a connection with its own Write.
type wrapped struct{ net.Conn }

type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return wrapped{conn}, err
}

// TestWrappedConnectionsHaveTheirOwnWriter checks that no shared writer bypasses the Write of a
// connection, such as that of TLS.
func TestWrappedConnectionsHaveTheirOwnWriter(t *testing.T) {
	f := serve(t, Options{})
	ts := httptest.NewUnstartedServer(f.s)
	ts.Listener = wrapping{ts.Listener}
	ts.Start()
	defer ts.Close()
	f.url = ts.URL + "/engine.io/?EIO=4"
	ws, p := f.connect()
	if p.conn.fd >= 0 {
		t.Error("there is a descriptor")
	}
	if err := p.Send([]byte("x"), false); err != nil {
		t.Fatal(err)
	}
	ws.expect("4x")
	p.Session.Close("done")
	ws.expectClose(closeNormal)
}
