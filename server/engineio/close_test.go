package engineio

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestCloseFlushesFirst(t *testing.T) {
	f := serve(t, Options{})
	t.Run(WebSocket, func(t *testing.T) {
		ws, p := f.with(t).connect()
		src := newQueue(p.Session)
		src.put(NewFrame([]byte("source")))
		p.SetSource(src)
		if err := p.Send([]byte("own"), false); err != nil {
			t.Fatal(err)
		}
		p.Session.Close("kicked")
		got := map[string]bool{ws.next(): true, ws.next(): true}
		if !got["4own"] || !got["4source"] {
			t.Errorf("got %v", got)
		}
		ws.expectClose(closeNormal)
		p.expectClosed(t, "kicked")
	})
	t.Run(Polling, func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		if err := p.Send([]byte("last"), false); err != nil {
			t.Fatal(err)
		}
		p.Session.Close("kicked")
		if p.ReadyState() != "closing" || !errors.Is(p.Send([]byte("x"), false), ErrClosed) {
			t.Errorf("%s", p.ReadyState())
		}
		f.expect(f.get(query), 200, "4last") // CLOSE never shares a payload with data
		f.expect(f.get(query), 200, "1")
		p.expectClosed(t, "kicked")
		f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("polling, with a GET waiting", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		waiting := f.getSoon(query)
		f.waiting(p)
		p.Session.Close("kicked")
		f.expect(<-waiting, 200, "1")
		p.expectClosed(t, "kicked")
	})
	t.Run("polling, without another GET", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		p.Session.Close("kicked")
		p.expectClosed(t, "kicked")
		f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestClosedSessionDeliversNothing(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	p.Session.Close("first")
	p.Session.Close("second")
	f.expect(f.post(query, "4late"), 200, "ok")
	f.expect(f.get(query), 200, "1")
	p.expectClosed(t, "first")
	p.Session.Close("third")
	p.Wake()
	p.SetSource(newQueue(p.Session))
	if len(p.in) != 0 || len(p.closed) != 0 {
		t.Errorf("%d messages, %d more closes", len(p.in), len(p.closed))
	}
	if err := p.Send(nil, true); !errors.Is(err, ErrClosed) {
		t.Errorf("Send: %v", err)
	}
}

func TestCloseInMessage(t *testing.T) {
	closed := make(chan string, 1)
	f := serve(t, Options{Accept: func(s *Session) (Handler, error) { return &leaving{s, closed}, nil }})
	ws := f.dial("")
	ws.next()
	ws.send("4go")
	ws.expect("4bye")
	ws.expectClose(closeNormal)
	if got := <-closed; got != "done" {
		t.Errorf("closed by %q", got)
	}
}

type leaving struct {
	s      *Session
	closed chan string
}

func (h *leaving) Message([]byte, bool) {
	_ = h.s.Send([]byte("bye"), false)
	h.s.Close("done")
}
func (h *leaving) Close(reason string) { h.closed <- reason }

func TestCloseWaitsForTheRunningMessage(t *testing.T) {
	f := serve(t, Options{})
	f.block = make(chan struct{})
	ws, p := f.connect()
	ws.send("4a")
	eventually(t, "the handler has it", func() bool { return p.delivering.Load() })
	ws.NetConn().Close() // noticed only after the message, because the reader is blocked
	f.block <- struct{}{}
	p.expect(t, "a")
	p.expectClosed(t, ReasonTransportClose)
}

func TestHandlerPanicEndsOnlyItsSession(t *testing.T) {
	closed := make(chan string, 2)
	f := serve(t, Options{Accept: func(s *Session) (Handler, error) { return &panicking{closed}, nil }})
	ws := f.dial("")
	ws.next()
	ws.send("4boom")
	ws.expectClose(closeUnexpected)
	if got := <-closed; got != ReasonForcedClose {
		t.Errorf("closed by %q", got)
	}
	a := f.get("&transport=polling")
	query := "&transport=polling&sid=" + sidPattern.FindStringSubmatch(a.body)[1]
	f.expect(f.post(query, "4boom"), 200, "ok")
	if got := <-closed; got != ReasonForcedClose {
		t.Errorf("closed by %q", got)
	}
}

type panicking struct{ closed chan string }

func (*panicking) Message([]byte, bool) { panic("handler bug") }
func (h *panicking) Close(r string)     { h.closed <- r; panic("and another") }

func TestShutdown(t *testing.T) {
	f := serve(t, Options{})
	ws, p1 := f.connect()
	query, p2 := f.open()
	waiting := f.getSoon(query)
	f.waiting(p2)
	_, p3 := f.open() // no GET
	idle, p4 := f.open()
	probing := f.probe(idle)
	if err := p1.Send([]byte("last"), false); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	start := time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- f.s.Shutdown(ctx)
	}()
	ws.expect("4last")
	ws.expectClose(closeGoingAway)
	f.expect(<-waiting, 200, "1")
	for _, p := range []*peer{p1, p2, p3, p4} {
		p.expectClosed(t, ReasonShutdown)
	}
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("the shutdown of a few sessions took %v", d)
	}
	if _, _, err := probing.read(); err == nil || isTimeout(err) {
		t.Errorf("the candidate of an upgrade is still open: %v", err)
	}
	f.expect(f.get("&transport=polling"), 503, `{"code":4,"message":"Server shutting down"}`)
	if f.s.Len() != 0 {
		t.Errorf("%d sessions", f.s.Len())
	}
}

func TestShutdownDisconnectsAtTheDeadline(t *testing.T) {
	f := serve(t, Options{})
	_, p := f.open() // would wait a second for its GET
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := f.s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	p.expectClosed(t, ReasonShutdown)
}

func TestShutdownIsSpread(t *testing.T) {
	f := serve(t, Options{})
	const n = 500
	for range n {
		r := f.get("&transport=polling")
		if r.status != 200 {
			t.Fatal(r)
		}
	}
	done := make(chan error, 1)
	begin := time.Now()
	go func() { done <- f.s.Shutdown(context.Background()) }()
	first := <-(<-f.peers).closed
	if err := <-done; err != nil || first != ReasonShutdown {
		t.Errorf("Shutdown: %v, %s", err, first)
	}
	if f.s.Len() != 0 {
		t.Errorf("%d of %d left", f.s.Len(), n)
	}
	if took := time.Since(begin); took < (n-20)*shutdownEach {
		t.Errorf("%d sessions ended within %v", n, took)
	}
}

func TestRange(t *testing.T) {
	f := serve(t, Options{})
	want := map[string]bool{}
	for range 3 {
		_, p := f.open()
		want[p.ID()] = true
	}
	got := map[string]bool{}
	f.s.Range(func(s *Session) bool { got[s.ID()] = true; return true })
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	n := 0
	f.s.Range(func(*Session) bool { n++; return false })
	if n != 1 {
		t.Errorf("f was called %d times", n)
	}
}
