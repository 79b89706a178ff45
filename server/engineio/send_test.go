package engineio

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSendOverflowCloses(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	msg := make([]byte, 1000)
	sent := 0
	var err error
	for err == nil && sent < 1000 {
		if err = p.Send(msg, true); err == nil {
			sent++
		}
	}
	if want := maxQueue / (1000 + packetCost); !errors.Is(err, ErrOverflow) || sent != want {
		t.Fatalf("%v after %d messages, want %v after %d", err, sent, ErrOverflow, want)
	}
	if err := p.Send(msg, true); !errors.Is(err, ErrClosed) {
		t.Errorf("then %v", err)
	}
	p.expectClosed(t, ReasonTransportError)
	f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
}

func TestSendBoundsEmptyMessages(t *testing.T) {
	f := serve(t, Options{})
	_, p := f.open()
	for i := 0; ; i++ {
		if err := p.Send(nil, false); err != nil {
			if !errors.Is(err, ErrOverflow) || i != maxQueue/packetCost {
				t.Errorf("%v after %d", err, i)
			}
			return
		}
	}
}

func TestSendAcceptsOneLargeMessage(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	large := strings.Repeat("x", 3*maxQueue)
	if err := p.Send([]byte(large), false); err != nil {
		t.Fatal(err)
	}
	f.expect(f.get(query), 200, "4"+large)
	if p.ReadyState() != "open" {
		t.Error(p.ReadyState())
	}
}

func TestSendRefusesInvalidText(t *testing.T) {
	f := serve(t, Options{})
	_, p := f.open()
	for _, s := range []string{"\xff", "a\x1e4b"} {
		if err := p.Send([]byte(s), false); !errors.Is(err, ErrText) {
			t.Errorf("%q: %v", s, err)
		}
		if err := p.Send([]byte(s), true); err != nil {
			t.Errorf("%q as binary: %v", s, err)
		}
	}
}

func TestSendCopies(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	data := []byte("before")
	if err := p.Send(data, false); err != nil {
		t.Fatal(err)
	}
	copy(data, "after!")
	f.expect(f.get(query), 200, "4before")
}

func TestWritable(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	if p.Writable() {
		t.Error("writable without a GET")
	}
	waiting := f.getSoon(query)
	f.waiting(p)
	if !p.Writable() {
		t.Error("not writable with a GET")
	}
	if err := p.Send([]byte("x"), false); err != nil {
		t.Fatal(err)
	}
	f.expect(<-waiting, 200, "4x")
	_, p = f.connect()
	eventually(t, "writable on WebSocket", p.Writable)
}

func TestLastReceived(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	before := p.LastReceived()
	if time.Since(before) > patience {
		t.Errorf("last received %v", before)
	}
	ws.send("4x")
	p.expect(t, "x")
	if !p.LastReceived().After(before) {
		t.Errorf("still %v", before)
	}
}

// TestSlowReaderIsClosed checks that a client that reads nothing costs the buffers of the kernel
// and one batch, and is then disconnected.
func TestSlowReaderIsClosed(t *testing.T) {
	f := serve(t, Options{WriteTimeout: 300 * time.Millisecond})
	_, p := f.connect()
	frame := NewFrame(bytes.Repeat([]byte("x"), 10_000))
	src := &endlessSource{frame: frame}
	p.SetSource(src)
	p.expectClosed(t, ReasonTransportError)
	// loopback buffers a few megabytes; the rest stays in the source
	if got := src.pulled.Load() * int64(frame.Size()); got > 32<<20 {
		t.Errorf("%d bytes were pulled for a client that does not read", got)
	}
}
