package engineio

import (
	"io"
	"strings"
	"testing"
	"time"
)

// begin sends a fragment of a message and waits until the server has read it: it answers the ping
// behind it.
func (s *socket) begin(n int) {
	s.t.Helper()
	conn := s.NetConn()
	_ = conn.SetDeadline(time.Now().Add(patience))
	first := maskedFrame(opText, []byte("4"+strings.Repeat("x", n-1)))
	ping := maskedFrame(0x80|opPing, nil)
	if _, err := conn.Write(append(first, ping...)); err != nil {
		s.t.Fatal(err)
	}
	pong := make([]byte, 2)
	if _, err := io.ReadFull(conn, pong); err != nil || string(pong) != "\x8a\x00" {
		s.t.Fatalf("got %x, %v, want a pong", pong, err)
	}
}

// maskedFrame is a frame whose masking key is zero.
func maskedFrame(first byte, data []byte) []byte {
	f := appendHeader(nil, 0, len(data))
	f[0], f[1] = first, f[1]|0x80
	return append(append(f, 0, 0, 0, 0), data...)
}

// Clients that hold messages incomplete give way to others, and small messages need no memory of
// the bound. A message that was complete in time is delivered.
func TestIncompleteMessagesAreBounded(t *testing.T) {
	t.Parallel()
	// The buffer of a message whose size is unknown doubles, here to MaxPayload.
	f := serve(t, Options{MaxPayload: 20_000, MaxIncomplete: 50_000})
	var sockets []*socket
	var peers []*peer
	for range 3 {
		ws, p := f.connect()
		sockets, peers = append(sockets, ws), append(peers, p)
	}
	sockets[0].begin(18_000)
	sockets[1].begin(18_000)
	small, p := f.connect()
	small.begin(4000) // as large as the buffer that each reader has
	if f.s.intake.Grown() != 40_000 {
		t.Errorf("%d bytes are incomplete", f.s.intake.Grown())
	}
	sockets[2].begin(18_000)
	sockets[0].expectClose(closeTryAgain)
	peers[0].expectClosed(t, ReasonTransportError)
	for i, ws := range []*socket{small, sockets[1], sockets[2]} {
		if _, err := ws.NetConn().Write(maskedFrame(0x80|opContinuation, []byte("y"))); err != nil {
			t.Fatal(err)
		}
		peer := []*peer{p, peers[1], peers[2]}[i]
		select {
		case got := <-peer.in:
			if !strings.HasSuffix(got.data, "xy") {
				t.Errorf("client %d: %d bytes arrived", i, len(got.data))
			}
		case <-time.After(patience):
			t.Fatalf("client %d: nothing arrived", i)
		}
	}
	if f.s.intake.Grown() != 0 {
		t.Errorf("%d bytes are incomplete after all have arrived", f.s.intake.Grown())
	}
}

// The body of a POST gives way too, with status 503.
func TestIncompleteBodiesAreBounded(t *testing.T) {
	t.Parallel()
	f := serve(t, Options{MaxPayload: 20_000, MaxIncomplete: 40_000, ReadTimeout: patience})
	query, _ := f.open()
	r, w := io.Pipe()
	answers := make(chan answer, 1)
	go func() {
		a, err := f.try("POST", query, r, "Content-Type", "text/plain")
		if err != nil {
			a.body = err.Error()
		}
		answers <- a
	}()
	if _, err := w.Write([]byte("4" + strings.Repeat("x", 17_000))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server has read the body", func() bool {
		return f.s.intake.Grown() >= 17_001
	})
	for range 2 {
		ws, _ := f.connect()
		ws.begin(18_000)
	}
	select {
	case a := <-answers:
		f.expect(a, 503, `{"code":3,"message":"Bad request"}`)
	case <-time.After(patience):
		t.Error("the POST has no answer")
	}
	_ = w.Close()
}
