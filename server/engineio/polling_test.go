package engineio

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestPollingEcho(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	query, _ := f.open()
	for _, body := range []string{
		"4hello",
		"4test1\x1e4test2\x1e4test3",
		"4hello\x1ebAQIDBA==",
		"4",
		"b",
		"4h€llo\n\x00",
		"4" + strings.Repeat("x", 100_000),
	} {
		a := f.post(query, body)
		f.expect(a, 200, "ok")
		if got := a.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
			t.Errorf("Content-Type %q", got)
		}
		f.expect(f.get(query), 200, body)
	}
	// The body is text for every Content-Type except a binary one.
	f.expect(f.do("POST", query, strings.NewReader("4x"), "Content-Type", "text/html"), 200, "ok")
	f.expect(f.do("POST", query, strings.NewReader("4y")), 200, "ok")
	f.expect(f.get(query), 200, "4x\x1e4y")
}

func TestPollingInvalidPayload(t *testing.T) {
	f := serve(t, Options{})
	for _, body := range []string{"abc", "", "\x1e", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "7", "0",
		"0{}", "2", "2probe", "5", "1x", "6x", "44\xff",
		"b!", "bA", "bAQ", "bAQ=", "bAR==", "bAQ\n==", "bAQ==AQ==",
		"b" + strings.Repeat("AAAA", 255) + "AA==AAAA", "bAQ-_", "4a\x1e9"} {
		t.Run(fmt.Sprintf("%.20q", body), func(t *testing.T) {
			f := f.with(t)
			query, p := f.open()
			f.expect(f.post(query, body), 400, `{"code":3,"message":"Bad request"}`)
			p.expectClosed(t, ReasonParseError)
			f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
			if len(p.in) != 0 {
				t.Errorf("part of an invalid payload was delivered: %v", <-p.in)
			}
		})
	}
}

// with returns the fixture for a subtest.
func (f *fixture) with(t *testing.T) *fixture {
	g := *f
	g.t = t
	return &g
}

func TestPollingOverlappingGET(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	first := f.getSoon(query)
	f.waiting(p)
	f.expect(f.get(query+"&t=burst"), 400, `{"code":3,"message":"Bad request"}`)
	f.expect(<-first, 200, "1")
	p.expectClosed(t, ReasonTransportError)
	f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
}

func TestPollingOverlappingPOST(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	body, slow := io.Pipe()
	first := make(chan answer, 1)
	go func() {
		a, _ := f.try("POST", query, body)
		first <- a
	}()
	if _, err := slow.Write([]byte("4a")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the POST is under way", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.posting != nil
	})
	f.expect(f.post(query, "4b"), 400, `{"code":3,"message":"Bad request"}`)
	p.expectClosed(t, ReasonTransportError)
	slow.Close()
	<-first
	if len(p.in) != 0 {
		t.Errorf("delivered after the end: %v", <-p.in)
	}
}

func TestPollingCancelledGET(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", f.url+query, nil)
	ended := make(chan error, 1)
	go func() {
		res, err := f.http.Do(r)
		if err == nil {
			res.Body.Close()
		}
		ended <- err
	}()
	f.waiting(p)
	cancel()
	<-ended
	p.expectClosed(t, ReasonTransportError)
	f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
}

func TestPollingClientCloses(t *testing.T) {
	f := serve(t, Options{})
	t.Run("while a GET waits", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		waiting := f.getSoon(query)
		f.waiting(p)
		f.expect(f.post(query, "1"), 200, "ok")
		f.expect(<-waiting, 200, "6")
		p.expectClosed(t, ReasonTransportClose)
		f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("before its GET arrives", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		f.expect(f.post(query, "4last\x1e1\x1e4not any more"), 200, "ok")
		p.expectClosed(t, ReasonTransportClose)
		p.expect(t, "last")
		if f.s.Len() != 0 || len(p.in) != 0 {
			t.Errorf("%d sessions, %d messages", f.s.Len(), len(p.in))
		}
		f.expect(f.get(query), 200, "6")
		f.expect(f.get(query), 400, `{"code":1,"message":"Session ID unknown"}`)
		f.expect(f.post(query, "4x"), 400, `{"code":1,"message":"Session ID unknown"}`)
	})
	t.Run("and no GET comes", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		f.expect(f.post(query, "1"), 200, "ok")
		p.expectClosed(t, ReasonTransportClose)
		eventually(t, "the id is forgotten", func() bool { return len(f.s.snapshot()) == 0 })
	})
}
