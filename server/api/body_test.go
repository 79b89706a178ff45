package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestBodyMediaType(t *testing.T) {
	base := serveHub(t, servertest.NewHub(t))
	body := `{"target":{"user":"u"},"type":"x"}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, body)
	_ = z.Close()

	const noEncoding = `Content-Encoding: got "%s", expected none`
	const wantJSON = `Content-Type: got "%s", expected application/json`
	for _, tc := range []struct {
		headers []string
		body    string
		status  int
		detail  string
	}{
		{[]string{"Content-Type: application/json"}, body, 200, ""},
		{[]string{"Content-Type: Application/JSON; charset=UTF-8"}, body, 200, ""},
		{[]string{"Content-Type: application/json", "Content-Encoding: identity"}, body, 200, ""},
		{nil, body, 415, fmt.Sprintf(wantJSON, "")},
		{[]string{"Content-Type: text/plain"}, body, 415, fmt.Sprintf(wantJSON, "text/plain")},
		{[]string{"Content-Type: application/x-www-form-urlencoded"}, "a=b", 415, fmt.Sprintf(wantJSON, "application/x-www-form-urlencoded")},
		{[]string{"Content-Type: application/json; charset=latin1"}, body, 415, fmt.Sprintf(wantJSON, "application/json; charset=latin1")},
		{[]string{"Content-Type: application/json;;;"}, body, 415, fmt.Sprintf(wantJSON, "application/json;;;")},
		{[]string{"Content-Type: application/json", "Content-Encoding: gzip"}, zipped.String(), 415, fmt.Sprintf(noEncoding, "gzip")},
		{[]string{"Content-Type: application/json", "Content-Encoding: br"}, "x", 415, fmt.Sprintf(noEncoding, "br")},
	} {
		res, text := servertest.Do(t, "POST", base+"/v1/notifications", tc.body,
			append(tc.headers, "X-API-Key: "+servertest.Key, "X-Request-ID: req-1")...)
		if res.StatusCode != tc.status {
			t.Errorf("%q: %d %s", tc.headers, res.StatusCode, text)
		}
		if tc.status == 415 && servertest.Sorted(t, text) != servertest.ProblemJSON(t, 415, "unsupported_media_type", tc.detail, "") {
			t.Errorf("%q: %s", tc.headers, text)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	base := serveHub(t, servertest.NewHub(t))
	object := func(n int) string { return `{"x":"` + strings.Repeat("x", n-8) + `"}` }
	array := func(n int) string { return "[" + object(n-2) + "]" }
	over := func(n int) string {
		return servertest.ProblemJSON(t, 413, "payload_too_large", fmt.Sprintf("body: longer than %d bytes", n), "")
	}
	for _, chunked := range []bool{false, true} {
		for _, tc := range []struct {
			name, body string
			status     int
			want       string
		}{
			{"single at the limit", object(maxSingleBody), 400, ""}, // x is no field: it was read
			{"single over it", object(maxSingleBody + 1), 413, over(maxSingleBody)},
			{"space before a single", strings.Repeat(" ", maxLeadingSpace-1) + object(maxSingleBody), 413, over(maxSingleBody)},
			{"batch over the single limit", array(maxSingleBody + 1), 200, ""},
			{"batch over its own", array(maxBatchBody + 1), 413, over(maxBatchBody)},
		} {
			var in io.Reader = strings.NewReader(tc.body)
			if chunked {
				in = struct{ io.Reader }{in} // without a length
			}
			r, _ := http.NewRequest("POST", base+"/v1/notifications", in)
			res, text := servertest.DoRequest(t, r, "X-API-Key: "+servertest.Key, "Content-Type: application/json", "X-Request-ID: req-1")
			if res.StatusCode != tc.status || tc.want != "" && servertest.Sorted(t, text) != tc.want {
				t.Errorf("chunked %v, %s: %d %.200s", chunked, tc.name, res.StatusCode, text)
			}
		}
	}
}

// A length that is a lie costs nothing: it is refused before a byte is read.
func TestBodyLengthRefusedAtOnce(t *testing.T) {
	address := strings.TrimPrefix(serveHub(t, servertest.NewHub(t)), "http://")
	for _, length := range []int64{maxBatchBody + 1, 1 << 60} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", servertest.Key, length)
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") {
			t.Errorf("%d: %.200s", length, answer)
		}
	}
}

func TestBodyDeadline(t *testing.T) {
	hub := servertest.NewHub(t)
	const d = 150 * time.Millisecond
	// newAPI sets a longer deadline; this is its inside.
	address := servertest.Serve(t, edge.WithInfo(nil, edge.WithBodyDeadline(d, newHandler(testOptions(hub, servertest.Key)).router())))
	for name, head := range map[string]string{
		"no byte":        "Content-Length: 100\r\n\r\n",
		"half":           "Content-Length: 100\r\n\r\n{\"target\":",
		"chunked, half":  "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tar\r\n",
		"chunked, start": "Transfer-Encoding: chunked\r\n\r\n",
	} {
		start := time.Now()
		answer := servertest.Raw(t, address, "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: "+servertest.Key+"\r\nContent-Type: application/json\r\n"+head)
		if !strings.HasPrefix(answer, "HTTP/1.1 408 ") || !strings.Contains(answer, `"code":"request_timeout"`) || !strings.Contains(answer, "Connection: close\r\n") {
			t.Errorf("%s: %.300s", name, answer)
		}
		if took := time.Since(start); took < d || took > 5*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
	// Without a key nobody reads the body, and it ends all the same.
	answer := servertest.Raw(t, address, "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	if !strings.HasPrefix(answer, "HTTP/1.1 401 ") {
		t.Errorf("unread: %.300s", answer)
	}
	// A GET has no body.
	answer = servertest.Raw(t, address, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, `"detail":"body: GET requests have none"`) {
		t.Errorf("GET: %.300s", answer)
	}
}

// The deadline ends with the body: what comes after may take as long as it takes.
func TestBodyDeadlineLifted(t *testing.T) {
	const d = 50 * time.Millisecond
	address := servertest.Serve(t, edge.WithBodyDeadline(d, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			t.Error("the deadline of the body ended the request")
		case <-time.After(4 * d):
		}
		_, _ = w.Write(body)
	})))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 { // and the connection is as good as new
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		buf := make([]byte, 512)
		n, err := c.Read(buf)
		if err != nil || !strings.HasSuffix(string(buf[:n]), "\r\n\r\nabc") {
			t.Fatalf("%q %v", buf[:n], err)
		}
	}
}

// A request that panics gives its buffer back: otherwise a few of them would stop all large bodies.
func TestLargeBodyBufferAfterPanic(t *testing.T) {
	h := newHandler(testOptions(servertest.NewHub(t), servertest.Key))
	for i := range h.routes {
		if h.routes[i].handle != nil {
			h.routes[i].handle = func(*call) (any, error) { panic("defect") }
		}
	}
	router := edge.WithInfo(nil, edge.WithRecovery(zap.NewNop(), h.router()))
	r := httptest.NewRequest("POST", "/v1/notifications", strings.NewReader(`{"type":"`+strings.Repeat("x", smallBody)+`"}`))
	r.Header.Set("X-API-Key", servertest.Key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || len(h.large) != maxLargeBodies {
		t.Errorf("%d %s: %d of %d buffers are left", w.Code, w.Body, len(h.large), maxLargeBodies)
	}
}
