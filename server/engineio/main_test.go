package engineio

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(idleEnv) != "" {
		os.Exit(idleClients()) // see TestIdleSessionMemory
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for an event. It is far longer than the event takes.
const patience = 10 * time.Second

type message struct {
	data   string
	binary bool
}

// peer is the server's side of a session in a test.
type peer struct {
	*Session
	in     chan message
	closed chan string
	echo   bool
	block  chan struct{} // when set, Message waits for it
}

func (p *peer) Message(data []byte, binary bool) {
	if p.block != nil {
		select {
		case <-p.block:
		case <-p.Context().Done():
		}
	}
	if p.echo {
		_ = p.Send(data, binary)
		return
	}
	p.in <- message{string(data), binary}
}

func (p *peer) Close(reason string) { p.closed <- reason }

// fixture is a server with a client.
type fixture struct {
	t     *testing.T
	s     *Server
	url   string // of the endpoint, with EIO=4
	http  *http.Client
	peers chan *peer
	echo  bool
	block chan struct{}
}

func serve(t *testing.T, o Options) *fixture {
	t.Helper()
	f := &fixture{t: t, peers: make(chan *peer, 1024)}
	if o.Accept == nil {
		o.Accept = func(s *Session) (Handler, error) {
			p := &peer{
				Session: s, in: make(chan message, 1<<10), closed: make(chan string, 2),
				echo: f.echo, block: f.block,
			}
			f.peers <- p
			return p, nil
		}
	}
	f.s = New(o)
	ts := httptest.NewServer(f.s)
	f.url = ts.URL + "/engine.io/?EIO=4"
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	f.http = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(func() {
		// Shutdown would wait a second for each that has no GET waiting
		for _, session := range f.s.snapshot() {
			session.end(ending{reason: ReasonForcedClose})
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v, %d sessions", err, f.s.live)
		}
		transport.CloseIdleConnections()
		ts.Close()
	})
	return f
}

// peer returns the server's side of the session opened last.
func (f *fixture) peer() *peer {
	f.t.Helper()
	select {
	case p := <-f.peers:
		return p
	case <-time.After(patience):
		f.t.Fatal("no session was accepted")
		return nil
	}
}

func (p *peer) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case m := <-p.in:
			if m.data != w {
				t.Fatalf("received %q, want %q", m.data, w)
			}
		case <-time.After(patience):
			t.Fatalf("%q was not received", w)
		}
	}
}

// expectClosed waits for the end and checks that the handler gets nothing after it.
func (p *peer) expectClosed(t *testing.T, reason string) {
	t.Helper()
	select {
	case got := <-p.closed:
		if got != reason {
			t.Fatalf("closed by %q, want %q", got, reason)
		}
	case <-time.After(patience):
		t.Fatalf("the session is still %s", p.ReadyState())
	}
	if !p.Closed() || p.Context().Err() == nil {
		t.Fatalf("Closed() = %v, context: %v", p.Closed(), p.Context().Err())
	}
}

// eventually waits for a condition that has no event.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fixture) waiting(p *peer) {
	f.t.Helper()
	eventually(f.t, "a GET waits", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.waiting != nil
	})
}
