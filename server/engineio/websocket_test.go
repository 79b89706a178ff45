package engineio

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestWebSocketEcho(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	ws, _ := f.connect()
	for _, text := range []string{
		"hello", "", "h€llo", strings.Repeat("x", 125), strings.Repeat("y", 70_000),
		strings.Repeat("z", 999_999),
	} {
		ws.send("4" + text)
		ws.expect("4" + text)
	}
	for _, size := range []int{0, 4, 125, 126, 65_535, 65_536, 1_000_000} {
		want := bytes.Repeat([]byte{1, 2, 3, 4}, size/4+1)[:size]
		if err := ws.WriteMessage(websocket.BinaryMessage, want); err != nil {
			t.Fatal(err)
		}
		kind, got, err := ws.read()
		if err != nil || kind != websocket.BinaryMessage || got != string(want) {
			t.Fatalf("binary of %d bytes: kind %d, %d bytes, %v", size, kind, len(got), err)
		}
	}
}

func TestWebSocketViolations(t *testing.T) {
	f := serve(t, Options{MaxPayload: 5000})
	raw := func(p ...byte) func(*socket) {
		return func(ws *socket) { _, _ = ws.NetConn().Write(p) }
	}
	text := func(s string) func(*socket) { return func(ws *socket) { ws.send(s) } }
	for _, c := range []struct {
		name   string
		send   func(*socket)
		code   int
		reason string
	}{
		{"no packet", text("abc"), closeProtocol, ReasonParseError},
		{"invalid base64", text("bAQ="), closeProtocol, ReasonParseError},
		{"base64 with a line break", text("bAQ\n=="), closeProtocol, ReasonParseError},
		{"empty", text(""), closeProtocol, ReasonParseError},
		{"open", text("0{}"), closeProtocol, ReasonParseError},
		{"ping", text("2"), closeProtocol, ReasonParseError},
		{"probe", text("2probe"), closeProtocol, ReasonParseError},
		{"upgrade", text("5"), closeProtocol, ReasonParseError},
		{"invalid text", text("4\xff"), closeInvalid, ReasonParseError},
		{"too large", text("4" + strings.Repeat("x", 5000)), closeTooBig, ReasonTransportError},
		{"unmasked", raw(0x81, 1, '4'), closeProtocol, ReasonTransportError},
		{"reserved bit", raw(0xC1, 0x81, 0, 0, 0, 0, '4'), closeProtocol, ReasonTransportError},
		{"unknown opcode", raw(0x83, 0x80, 0, 0, 0, 0), closeProtocol, ReasonTransportError},
		{
			"continuation of nothing", raw(0x80, 0x80, 0, 0, 0, 0), closeProtocol,
			ReasonTransportError,
		},
		{"fragmented ping", raw(0x09, 0x80, 0, 0, 0, 0), closeProtocol, ReasonTransportError},
		// 1005
		{
			"invalid close code", raw(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED), closeProtocol,
			ReasonTransportError,
		},
		{
			"invalid text in a close frame", raw(0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF),
			closeInvalid, ReasonTransportError,
		},
		{
			"close frame of a byte", raw(0x88, 0x81, 0, 0, 0, 0, 0x03), closeProtocol,
			ReasonTransportError,
		},
		{
			"large ping", raw(0x89, 0xFE, 0, 126, 0, 0, 0, 0), closeProtocol, ReasonTransportError,
		},
		{
			"125 bytes in two bytes of length", raw(0x82, 0xFE, 0, 125, 0, 0, 0, 0),
			closeProtocol, ReasonTransportError,
		},
		{
			"65,535 bytes in eight bytes of length",
			raw(0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0), closeProtocol,
			ReasonTransportError,
		},
		{
			"claims 2^63 bytes", raw(0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
			closeProtocol, ReasonTransportError,
		},
		{
			"a message inside another", raw(0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0),
			closeProtocol, ReasonTransportError,
		},
		{
			"claims 2^62 bytes", raw(0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
			closeTooBig, ReasonTransportError,
		},
		{
			"empty fragments",
			raw(append([]byte{0x01, 0x80, 0, 0, 0, 0},
				bytes.Repeat([]byte{0x00, 0x80, 0, 0, 0, 0}, 1_000_000)...)...),
			closeTooBig, ReasonTransportError,
		},
		{
			"pings", raw(bytes.Repeat([]byte{0x89, 0x80, 0, 0, 0, 0}, maxStrays+1)...),
			closePolicy, ReasonTransportError,
		},
		{
			"pongs", raw(bytes.Repeat([]byte{0x8A, 0x80, 0, 0, 0, 0}, maxStrays+1)...),
			closePolicy, ReasonTransportError,
		},
		{
			"stray pong packets",
			raw(bytes.Repeat([]byte{0x81, 0x81, 0, 0, 0, 0, '3'}, maxStrays+1)...), closePolicy,
			ReasonTransportError,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := f.with(t)
			ws := f.dial("")
			ws.next()
			sent := make(chan struct{})
			go func() { c.send(ws); close(sent) }()
			ws.expectClose(c.code)
			<-sent
		})
	}
	t.Run("reasons", func(t *testing.T) {
		f := f.with(t)
		ws, p := f.connect0()
		ws.send("2")
		p.expectClosed(t, ReasonParseError)
		ws, p = f.connect0()
		ws.send("4" + strings.Repeat("x", 5000))
		p.expectClosed(t, ReasonTransportError)
	})
}

// connect0 is connect for a fixture that may have leftover sessions.
func (f *fixture) connect0() (*socket, *peer) {
	for len(f.peers) > 0 {
		<-f.peers
	}
	return f.connect()
}

func TestWebSocketManyFragments(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	// 2,000 fragments of one byte, with an occasional ping between them.
	msg := []byte{0x01, 0x81, 0, 0, 0, 0, '4'}
	for i := range 2000 {
		if i%100 == 0 {
			msg = append(msg, 0x89, 0x81, 0, 0, 0, 0, 'p')
		}
		msg = append(msg, 0x00, 0x81, 0, 0, 0, 0, 'x')
	}
	msg = append(msg, 0x80, 0x80, 0, 0, 0, 0)
	for range 3 {
		if _, err := ws.NetConn().Write(msg); err != nil {
			t.Fatal(err)
		}
		p.expect(t, strings.Repeat("x", 2000))
	}
}

func TestWebSocketAnswersPings(t *testing.T) {
	f := serve(t, Options{})
	ws, _ := f.connect()
	got := make(chan string, 1)
	ws.SetPongHandler(func(s string) error { got <- s; return nil })
	if err := ws.WriteControl(websocket.PingMessage, []byte("are you there"),
		time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _, _ = ws.ReadMessage() }()
	if s := <-got; s != "are you there" {
		t.Errorf("pong %q", s)
	}
}

func TestWebSocketStrayPongsAreIgnored(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	ws := f.dial("")
	ws.send("3") // before the OPEN packet is read, long before a ping
	ws.send("3probe")
	ws.send("6")
	ws.send("4alive")
	if open := ws.next(); open[0] != '0' {
		t.Errorf("first packet %q", open)
	}
	ws.expect("4alive")
}

func TestWebSocketClientCloses(t *testing.T) {
	f := serve(t, Options{})
	t.Run("with a close frame", func(t *testing.T) {
		ws, p := f.with(t).connect()
		if err := ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"),
			time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		ws.expectClose(4001)
		p.expectClosed(t, ReasonTransportClose)
	})
	t.Run("with an empty close frame", func(t *testing.T) {
		ws, p := f.with(t).connect()
		if err := ws.WriteControl(websocket.CloseMessage, nil,
			time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		ws.expectClose(closeNoStatus)
		p.expectClosed(t, ReasonTransportClose)
	})
	t.Run("with a CLOSE packet", func(t *testing.T) {
		ws, p := f.with(t).connect()
		ws.send("1")
		ws.expectClose(closeNormal)
		p.expectClosed(t, ReasonTransportClose)
	})
	t.Run("without a word", func(t *testing.T) {
		ws, p := f.with(t).connect()
		ws.NetConn().Close()
		p.expectClosed(t, ReasonTransportClose)
	})
	t.Run("in the middle of a frame", func(t *testing.T) {
		ws, p := f.with(t).connect()
		if _, err := ws.NetConn().Write([]byte{0x81, 0xFE, 0x10}); err != nil {
			t.Fatal(err)
		}
		ws.NetConn().Close()
		p.expectClosed(t, ReasonTransportClose)
	})
}

func TestWebSocketCloseWithoutAnswer(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	p.Session.Close("go")
	p.expectClosed(t, "go")
	// The client reads the close frame, but neither answers it nor closes.
	conn := ws.NetConn()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 16)
	n, err := conn.Read(buf)
	if err != nil || !bytes.Equal(buf[:n], []byte{0x88, 2, 0x03, 0xE8}) {
		t.Fatalf("% x %v", buf[:n], err)
	}
	eventually(t, "the connection is closed", func() bool {
		_, err := conn.Write([]byte{0x8A, 0x80, 0, 0, 0, 0})
		return err != nil && !errors.Is(err, net.ErrClosed)
	})
}

func TestWebSocketRefusesCompression(t *testing.T) {
	f := serve(t, Options{})
	d := websocket.Dialer{EnableCompression: true}
	ws, res, err := d.Dial("ws"+f.url[4:]+"&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if got := res.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("extensions %q", got)
	}
}
