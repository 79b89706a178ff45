package edge

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// endless is a body that a client sends for ever.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

// deadlines is a ResponseWriter that notes its read deadline.
type deadlines struct {
	http.ResponseWriter
	last time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.last = t; return nil }

// Strangers cannot hold the server with bodies that it discards.
func TestDiscardIsBounded(t *testing.T) {
	t.Parallel()
	w := &deadlines{}
	body := func() (*DeadlineBody, *endless) {
		e := &endless{}
		return &DeadlineBody{ReadCloser: e, Controller: http.NewResponseController(w)}, e
	}
	r := httptest.NewRequest("POST", "/", nil)
	r.ContentLength = -1
	d := newDiscards()
	one, sent := body()
	d.discard(one, r)
	if sent.read != maxDiscard || time.Until(w.last) > discardTimeout || len(d.places) != 0 {
		t.Errorf("%d bytes, deadline %v", sent.read, w.last)
	}
	for range cap(d.places) {
		d.places <- struct{}{}
	}
	if one, sent = body(); sent.read != 0 {
		t.Error("read too early")
	}
	if d.discard(one, r); sent.read != 0 {
		t.Errorf("%d bytes without a place", sent.read)
	}
	d = newDiscards()
	d.bytes.AllowN(time.Now(), discardBurst-1<<20)
	one, sent = body()
	if d.discard(one, r); sent.read >= maxDiscard {
		t.Errorf("%d bytes above the rate", sent.read)
	}

	for name, change := range map[string]func(*http.Request, *DeadlineBody){
		"too long":        func(r *http.Request, _ *DeadlineBody) { r.ContentLength = maxDiscard + 1 },
		"of known length": func(r *http.Request, b *DeadlineBody) { r.ContentLength, b.read = 9, 9 },
		"complete":        func(_ *http.Request, b *DeadlineBody) { b.Complete = true },
		"too slow":        func(_ *http.Request, b *DeadlineBody) { b.failed = true },
		"waiting": func(r *http.Request, _ *DeadlineBody) {
			r.Header.Set("Expect", "100-continue")
		},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.ContentLength = -1
		one, sent := body()
		change(r, one)
		if newDiscards().discard(one, r); sent.read != 0 {
			t.Errorf("%s: %d bytes", name, sent.read)
		}
	}
}

// A client that waits for 100 (Continue) gets the error at once, and sends no body.
func TestDiscardDoesNotAskForTheBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(WithBodyDeadline(time.Minute, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })))
	defer s.Close()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Length: 3000000\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 403") {
		t.Errorf("%q %v", line, err)
	}
}

// Over HTTP/2 the whole body is read, so that a proxy gets the response after it has sent the body.
func TestDiscardOverHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(WithBodyDeadline(time.Minute, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(Innermost(w), r.Body, 1000))
			WriteProblem(w, r, err)
		})))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	body := bytes.NewReader(make([]byte, 3_000_000))
	r, err := http.NewRequest("POST", s.URL, io.NopCloser(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusRequestEntityTooLarge || body.Len() != 0 {
		t.Errorf("%s %s, %d bytes not sent", res.Proto, res.Status, body.Len())
	}
}
