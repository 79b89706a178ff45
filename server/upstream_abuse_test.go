package server

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// Strangers cannot tell the application another address, host or path by the headers of proxies, in
// whatever spelling. Trusted proxies can.
func TestUpstreamDropsHeadersOfProxies(t *testing.T) {
	t.Parallel()
	names := []string{
		"Forwarded", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Port",
		"X-Forwarded-Prefix", "X-Forwarded-User", "X-Forwarded-Server", "X-Original-Host",
		"X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP", "X-Host",
		"x_real_ip", "X_Forwarded_For", "X-ORIGINAL_url", "X-Scheme", "Front-End-Https",
	}
	for _, trusted := range []bool{false, true} {
		var proxies []netip.Prefix
		if trusted {
			proxies = append(proxies, netip.MustParsePrefix("127.0.0.0/8"))
		}
		address, _ := serveUpstream(t, application(t), proxies...)
		r, _ := http.NewRequest("POST", "http://"+address+"/", strings.NewReader("x"))
		for _, name := range names {
			r.Header[name] = []string{"6.6.6.6"}
		}
		r.Header.Set("Connection", "X-Forwarded-For") // of this hop, so it is not passed on
		r.Header.Set("X-Requested-With", "fetch")
		r.Header.Set("Authorization", "Bearer x")
		_, got := askApplication(t, r)
		for name, values := range got.Header {
			kept := strings.Contains(strings.Join(values, ","), "6.6.6.6")
			if kept && !trusted {
				t.Errorf("the application gets %s: %q", name, values)
			}
		}
		if got.Header.Get("X-Forwarded-For") != "127.0.0.1" ||
			got.Header.Get("X-Requested-With") != "fetch" || got.Header.Get("Authorization") == "" {
			t.Errorf("trusted %t: %v", trusted, got.Header)
		}
		if trusted && (got.Header.Get("X-Real-Ip") != "6.6.6.6" ||
			got.Header.Get("X-Original-Url") != "6.6.6.6" || got.Header.Get("Forwarded") == "") {
			t.Errorf("of a trusted proxy: %v", got.Header)
		}
	}
}

// A body that makes no progress ends, however often a byte arrives, and a slow one that does
// arrives.
func TestUpstreamSlowBodies(t *testing.T) {
	t.Parallel()
	address, u := serveUpstream(t, application(t))
	u.idle = 500 * time.Millisecond
	send := func(part int, pause time.Duration) (sent int, status string) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(servertest.Patience))
		const length = 10 * upstreamPart
		_, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+
			"Content-Length: %d\r\n\r\n", length)
		answer := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(c).ReadString('\n')
			answer <- line
		}()
		for {
			if sent < length {
				if _, err := c.Write(make([]byte, min(part, length-sent))); err == nil {
					sent += part
				}
			}
			select {
			case status = <-answer:
				return sent, status
			case <-time.After(pause):
			}
		}
	}
	if sent, status := send(1, 10*time.Millisecond); !strings.Contains(status, " 408 ") ||
		sent > 2*upstreamPart {
		t.Errorf("a body of single bytes: %q after %d bytes", status, sent)
	}
	if _, status := send(upstreamPart, time.Millisecond); !strings.Contains(status, " 418 ") {
		t.Errorf("a body with progress: %q", status)
	}
}

// The application gets a request when the body has begun: a client that sends slowly holds no second
// descriptor. All of the body arrives, whatever its length, and a broken one gets a clear answer.
func TestUpstreamBodiesBeginBeforeTheApplicationIsAsked(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	app := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method
		body, err := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		_, _ = fmt.Fprintf(w, "%d %x %v %d", len(body), sum[:4], err, r.ContentLength)
	}))
	address, u := serveUpstream(t, &url.URL{Scheme: "http", Host: app})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(servertest.Patience))
	_, _ = io.WriteString(c, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1234")
	for _, n := range []int{0, 1, upstreamPart - 1, upstreamPart, upstreamPart + 1, 3 * upstreamPart} {
		body := bytes.Repeat([]byte("0123456789"), n/10+1)[:n]
		sum := sha256.Sum256(body)
		for length, reader := range map[int]io.Reader{
			n: bytes.NewReader(body), -1: io.MultiReader(bytes.NewReader(body)),
		} {
			res, err := http.Post("http://"+address+"/", "text/plain", reader)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(res.Body)
			res.Body.Close()
			want := fmt.Sprintf("%d %x <nil> %d", n, sum[:4], length)
			if string(got) != want {
				t.Errorf("%d bytes: the application got %q, want %q", n, got, want)
			}
			if method := <-asked; method != "POST" || len(asked) > 0 {
				t.Errorf("%s, and %d more requests", method, len(asked))
			}
		}
	}
	_, _ = io.WriteString(c, "5")
	if line, _ := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, " 200 ") {
		t.Errorf("the slow client got %q", line)
	}
	servertest.Eventually(t, "no body begins any more", func() bool {
		return u.beginning.TryAcquire(upstreamBegins)
	})
	u.beginning.Release(upstreamBegins)
	broken, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	_ = broken.SetDeadline(time.Now().Add(servertest.Patience))
	_, _ = io.WriteString(broken, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	if line, _ := bufio.NewReader(broken).ReadString('\n'); !strings.Contains(line, " 400 ") {
		t.Errorf("a broken body got %q", line)
	}
}

// A client that reads a long response byte by byte ends, and with it the request to the application.
func TestUpstreamSlowReaders(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	app := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for part := make([]byte, 32<<10); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	address, u := serveUpstream(t, &url.URL{Scheme: "http", Host: app})
	u.idle = 500 * time.Millisecond
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	deadline := time.After(servertest.Patience)
	for {
		_, _ = c.Read(make([]byte, 1))
		select {
		case <-ended:
			return
		case <-deadline:
			t.Fatal("the request goes on")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
