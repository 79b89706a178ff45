//go:build linux

package engineio

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/sockets"
)

// parked waits until nothing reads from the session.
func (f *fixture) parked(p *peer) {
	f.t.Helper()
	eventually(f.t, "the reader has ended", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.conn != nil && p.conn.parked && p.conn.buf == nil
	})
}

func (f *fixture) reading(p *peer) {
	f.t.Helper()
	eventually(f.t, "a reader runs", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.conn.parked
	})
}

// TestIdleReaderEnds checks that a message is complete when its bytes start a reader one by one,
// and that the reader ends after it.
func TestIdleReaderEnds(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	for round := range 3 {
		f.parked(p)
		text := fmt.Sprint("4message ", round)
		frame := appendHeader(nil, opText, len(text))
		frame[1] |= 0x80 // masked, by a key of zeros
		frame = append(append(frame, 0, 0, 0, 0), text...)
		for i := range frame {
			if _, err := ws.NetConn().Write(frame[i : i+1]); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				f.reading(p)
			}
		}
		p.expect(t, text[1:])
	}
	f.parked(p)
}

// TestIdleReaderSeesTheEnd checks that a session without a reader ends from both sides.
func TestIdleReaderSeesTheEnd(t *testing.T) {
	f := serve(t, Options{})
	ws, p := f.connect()
	f.parked(p)
	ws.NetConn().Close()
	p.expectClosed(t, ReasonTransportClose)

	ws, p = f.connect()
	f.parked(p)
	p.Session.Close("kicked")
	ws.expectClose(closeNormal)
	p.expectClosed(t, "kicked")

	ws, p = f.connect()
	f.parked(p)
	p.end(ending{reason: ReasonForcedClose})
	if _, _, err := ws.read(); err == nil || isTimeout(err) {
		t.Errorf("the connection is still open: %v", err)
	}
	p.expectClosed(t, ReasonForcedClose)
}

// TestIdleReaderEndsAfterAnUpgrade checks the same for a session that began with polling.
func TestIdleReaderEndsAfterAnUpgrade(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	ws := f.dial(query[len("&transport=polling"):])
	ws.send("2probe")
	ws.expect("3probe")
	ws.send("5")
	f.parked(p)
	ws.send("4x")
	p.expect(t, "x")
	f.parked(p)
}

// TestBusyReaderStays checks that a client that sends much does not start a reader for each
// message, and that the reader ends with the answer to the next ping.
func TestBusyReaderStays(t *testing.T) {
	c := newWire(nil, New(Options{}).newSession(newRequest("GET", "/", "")))
	c.session.received.Store(int64(time.Hour)) // however slow the machine is
	messages := 1
	for ; !c.busy(); messages++ {
		if messages > maxParked {
			t.Fatal("never busy")
		}
	}
	if messages != maxParked+1 {
		t.Errorf("busy after %d messages", messages)
	}
	c.session.received.Add(int64(1e9))
	if c.busy() {
		t.Error("busy with one message in a second")
	}
	c.session.received.Store(-int64(heldBack))
	for range 2 * maxParked {
		if c.busy() {
			t.Fatal("busy although the handler holds the client back")
		}
	}
}

// TestDescriptorsAreUsedAgain opens and closes many sessions, so that the system reuses their
// descriptors, while other sessions are idle.
func TestDescriptorsAreUsedAgain(t *testing.T) {
	f := serve(t, Options{})
	idle, q := f.connect()
	f.parked(q)
	before := runtime.NumGoroutine()
	for i := range 200 {
		ws, p := f.connect()
		switch i % 3 {
		case 0:
			ws.NetConn().Close()
		case 1:
			p.Session.Close("kicked")
		case 2:
			p.end(ending{reason: ReasonForcedClose})
		}
		if i%10 == 0 {
			idle.send(fmt.Sprint("4", i))
			q.expect(t, fmt.Sprint(i))
		}
	}
	eventually(t, "only one session is left", func() bool { return f.s.Len() == 1 })
	// One more goroutine: the reader of the idle session is still there, because it got many
	// messages.
	eventually(t, "the goroutines have ended", func() bool {
		return runtime.NumGoroutine() <= before+1
	})
}

// The reader of a client that had to wait for the handler ends like any other.
func TestReaderThatWaitedEnds(t *testing.T) {
	f := serve(t, Options{})
	f.block = make(chan struct{})
	ws, p := f.connect()
	f.parked(p)
	const messages = 2 * maxParked // so many that a reader would stay
	for range messages {
		ws.send("4a")
	}
	for i := range messages {
		if i == messages-1 {
			time.Sleep(2 * heldBack)
		}
		f.block <- struct{}{} // the reader waits until here
		p.expect(t, "a")
	}
	f.parked(p)
}

// A pong that has arrived and is not read yet is in time.
func TestUnreadPongIsInTime(t *testing.T) {
	f := serve(t, Options{})
	f.block = make(chan struct{})
	ws, p := f.connect()
	ws.send("4a")
	f.block <- struct{}{}
	p.expect(t, "a")
	ws.send("4b") // the reader waits in the handler
	eventually(t, "the reader waits", p.delivering.Load)
	ws.send("3")
	eventually(t, "the pong has arrived", func() bool { return sockets.Pending(p.conn.fd) })
	p.mu.Lock()
	p.deadline = time.Now().Add(-second)
	p.mu.Unlock()
	p.delivering.Store(false) // between two messages
	if p.overdue(time.Now()) {
		t.Error("overdue")
	}
	f.block <- struct{}{}
	p.expect(t, "b")
}
