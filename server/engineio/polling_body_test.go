package engineio

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPollingBinaryPOST(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	start := time.Now()
	binary := bytes.NewReader([]byte{1, 2, 3})
	f.expect(f.do("POST", query, binary, "Content-Type", "application/octet-stream"),
		400, `{"code":3,"message":"Bad request"}`)
	most := time.Second
	if os.Getenv("ROOMCAST_SOAK") != "" { // on a machine that is not busy
		most = 50 * time.Millisecond
	}
	if d := time.Since(start); d > most {
		t.Errorf("answered after %v", d)
	}
	p.expectClosed(t, ReasonTransportError)
}

func TestPollingBodyLimit(t *testing.T) {
	f := serve(t, Options{MaxPayload: 5000})
	exact := "4" + strings.Repeat("x", 4999)
	t.Run("the limit itself", func(t *testing.T) {
		f := f.with(t)
		query, p := f.open()
		f.expect(f.post(query, exact), 200, "ok")
		p.expect(t, exact[1:])
		// chunked
		f.expect(f.do("POST", query, io.MultiReader(strings.NewReader(exact))), 200, "ok")
		p.expect(t, exact[1:])
	})
	for name, body := range map[string]io.Reader{
		"with a length": strings.NewReader(exact + "x"),
		"chunked":       io.MultiReader(strings.NewReader(exact + "x")),
		"endless":       io.LimitReader(endless{}, 1<<30),
	} {
		t.Run(name, func(t *testing.T) {
			f := f.with(t)
			query, p := f.open()
			// else the server closed while we wrote
			if a, err := f.try("POST", query, body); err == nil {
				f.expect(a, 413, `{"code":3,"message":"Bad request"}`)
			}
			p.expectClosed(t, ReasonTransportError)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '4'
	}
	return len(p), nil
}

func TestPollingSlowBody(t *testing.T) {
	f := serve(t, Options{ReadTimeout: 100 * time.Millisecond})
	query, p := f.open()
	conn, err := net.Dial("tcp", strings.Split(f.url, "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /engine.io/?EIO=4%s HTTP/1.1\r\nHost: x\r\n"+
		"Content-Length: 1000\r\n\r\n4slow", query)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	reply, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 408 ") {
		t.Errorf("%v %q", err, reply)
	}
	p.expectClosed(t, ReasonTransportError)
}

func TestPollingBackPressure(t *testing.T) {
	f := serve(t, Options{})
	f.block = make(chan struct{})
	query, p := f.open()
	posted := make(chan answer, 1)
	go func() {
		a, _ := f.try("POST", query, strings.NewReader("4a\x1e4b"))
		posted <- a
	}()
	f.block <- struct{}{}
	p.expect(t, "a")
	select {
	case a := <-posted:
		t.Fatalf("answered %v while the handler has a message", a)
	default:
	}
	f.block <- struct{}{}
	f.expect(<-posted, 200, "ok")
	p.expect(t, "b")
}

func TestPollingPOSTOfManyMessages(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	for i := range 3 {
		if err := p.Send(fmt.Appendf(nil, "m%d", i), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.SendFrame(NewFrame([]byte("frame"), []byte{1, 2, 3, 4}, nil)); err != nil {
		t.Fatal(err)
	}
	f.expect(f.get(query), 200, "4m0\x1e4m1\x1e4m2\x1e4frame\x1ebAQIDBA==\x1eb")
}

func TestPollingPayloadIsBounded(t *testing.T) {
	f := serve(t, Options{})
	query, p := f.open()
	src := newQueue(p.Session)
	for range 100 {
		src.put(NewFrame(bytes.Repeat([]byte("x"), 20_000)))
	}
	p.SetSource(src)
	total, requests := 0, 0
	for total < 100 {
		a := f.get(query)
		if len(a.body) > payloadSize+20_001 {
			t.Fatalf("%d bytes in one payload", len(a.body))
		}
		total += strings.Count(a.body, "\x1e") + 1
		requests++
	}
	if total != 100 || requests < 7 {
		t.Errorf("%d messages in %d payloads", total, requests)
	}
}
