package engineio

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
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
