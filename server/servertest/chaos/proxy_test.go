package chaos

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// echo returns the address of a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(servertest.Patience))
	return c.(*net.TCPConn)
}

// Connections go to the targets in turn, and not to one that refuses them.
func TestTargetsInTurn(t *testing.T) {
	t.Parallel()
	named := func(name string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, name)
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	p := New(t, closed.Addr().String(), 1)
	p.Target(named("a"), closed.Addr().String(), named("b"))
	got := map[string]int{}
	for range 30 {
		text, err := io.ReadAll(dial(t, p))
		if err != nil {
			t.Fatal(err)
		}
		got[string(text)]++
	}
	if len(got) != 2 || got["a"] != 10 || got["b"] != 20 {
		t.Errorf("the targets had %v connections", got)
	}
	p.Target(closed.Addr().String())
	if text, err := io.ReadAll(dial(t, p)); err == nil {
		t.Errorf("without a server the client got %q", text)
	}
}

// say writes text and expects it back.
func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	back := make([]byte, len(text))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, back); err != nil || string(back) != text {
		t.Fatalf("got %q, %v, want %q", back, err, text)
	}
}

// Bytes pass unchanged, also more than the buffers of all sockets hold, and the end of one
// direction leaves the other open.
func TestPass(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	c := dial(t, p)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	go func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
	servertest.Eventually(t, "the link ends", func() bool { return p.Links() == 0 })
	if cuts := p.Cuts(); cuts != 0 {
		t.Errorf("%d links were cut", cuts)
	}
}

// Cut ends the links at once, some by FIN and some by RST, and later ones live.
func TestCut(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	var clients []net.Conn
	for range 20 {
		c := dial(t, p)
		say(t, c, "hello")
		clients = append(clients, c)
	}
	if n := p.Cut(0); n != 0 {
		t.Errorf("a share of 0 cut %d links", n)
	}
	if n := p.Cut(1); n != len(clients) {
		t.Errorf("a share of 1 cut %d of %d links", n, len(clients))
	}
	ends := map[string]int{}
	for _, c := range clients {
		_, err := c.Read(make([]byte, 1))
		switch {
		case errors.Is(err, io.EOF):
			ends["FIN"]++
		case errors.Is(err, syscall.ECONNRESET):
			ends["RST"]++
		default:
			t.Errorf("the client read %v", err)
		}
	}
	if ends["FIN"] == 0 || ends["RST"] == 0 {
		t.Errorf("the links ended by %v", ends)
	}
	say(t, dial(t, p), "hello")
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	old := dial(t, p)
	say(t, old, "hello")
	p.Refuse(true)
	c, err := net.Dial("tcp", p.Addr)
	if err == nil { // else the reset arrived before the client knew that it was connected
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(servertest.Patience))
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a new client got %v", err)
	}
	say(t, old, "hello")
	p.Refuse(false)
	say(t, dial(t, p), "hello")
}

// No byte passes a stalled link, also none that was on its way, and no end. They all pass later.
func TestStall(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	old := dial(t, p)
	say(t, old, "hello")
	p.Stall(true)
	for _, c := range []*net.TCPConn{old, dial(t, p)} {
		if _, err := io.WriteString(c, "waits"); err != nil {
			t.Fatal(err)
		}
		_ = c.CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a client read %d bytes and %v", n, err)
		}
		defer func() {
			_ = c.SetReadDeadline(time.Now().Add(servertest.Patience))
			if got, err := io.ReadAll(c); string(got) != "waits" || err != nil {
				t.Errorf("after the stall it reads %q, %v", got, err)
			}
		}()
	}
	p.Stall(false)
}

func TestDelayAndLimit(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	c := dial(t, p)
	p.Delay(30 * time.Millisecond)
	say(t, c, "hello") // may pass a read that began before
	if start := time.Now(); true {
		say(t, c, "hello")
		if took := time.Since(start); took < 60*time.Millisecond {
			t.Errorf("with a delay of 30 ms each way it took %v", took)
		}
	}
	p.Delay(0)
	p.Limit(10_000)
	start := time.Now()
	say(t, c, string(make([]byte, 4_000)))
	if took := time.Since(start); took < 400*time.Millisecond {
		t.Errorf("4,000 bytes at 10,000 bytes per second took %v", took)
	}
}

// Flap cuts every link, those that exist and those that come, until it is called with 0.
func TestFlap(t *testing.T) {
	t.Parallel()
	p := New(t, echo(t), 1)
	old := dial(t, p)
	say(t, old, "hello")
	p.Flap(time.Millisecond, 20*time.Millisecond)
	for _, c := range []net.Conn{old, dial(t, p), dial(t, p)} {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a client read %v", err)
		}
	}
	servertest.Eventually(t, "the links end", func() bool { return p.Links() == 0 })
	if cuts := p.Cuts(); cuts != 3 {
		t.Errorf("%d links were cut, want 3", cuts)
	}
	p.Flap(0, 0)
	c := dial(t, p)
	time.Sleep(40 * time.Millisecond) // twice the longest life; a machine of any speed passes
	say(t, c, "hello")
}
