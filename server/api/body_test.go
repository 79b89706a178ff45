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
	t.Parallel()
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
		{[]string{"Content-Type: application/json; charset=utf8"}, body, 200, ""},
		{[]string{"Content-Type: application/json"}, byteOrderMark + body, 200, ""},
		{[]string{"Content-Type: application/json"}, byteOrderMark + "[" + body + "]", 200, ""},
		{[]string{"Content-Type: application/json", "Content-Encoding: identity"}, body, 200, ""},
		{nil, body, 415, fmt.Sprintf(wantJSON, "")},
		{[]string{"Content-Type: text/plain"}, body, 415, fmt.Sprintf(wantJSON, "text/plain")},
		{
			[]string{"Content-Type: application/x-www-form-urlencoded"}, "a=b", 415,
			fmt.Sprintf(wantJSON, "application/x-www-form-urlencoded"),
		},
		{
			[]string{"Content-Type: application/json; charset=latin1"}, body, 415,
			fmt.Sprintf(wantJSON, "application/json; charset=latin1"),
		},
		{
			[]string{"Content-Type: application/json;;;"}, body, 415,
			fmt.Sprintf(wantJSON, "application/json;;;"),
		},
		{
			[]string{"Content-Type: application/json", "Content-Encoding: gzip"}, zipped.String(),
			415, fmt.Sprintf(noEncoding, "gzip"),
		},
		{
			[]string{"Content-Type: application/json", "Content-Encoding: br"}, "x", 415,
			fmt.Sprintf(noEncoding, "br"),
		},
	} {
		res, text := servertest.Do(t, "POST", base+"/v1/notifications", tc.body,
			append(tc.headers, "X-API-Key: "+servertest.Key, "X-Request-ID: req-1")...)
		if res.StatusCode != tc.status {
			t.Errorf("%q: %d %s", tc.headers, res.StatusCode, text)
		}
		if tc.status == 415 && servertest.Sorted(t, text) != servertest.ProblemJSON(t, 415,
			"unsupported_media_type", tc.detail, "") {
			t.Errorf("%q: %s", tc.headers, text)
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	base := serveHub(t, servertest.NewHub(t))
	object := func(n int) string { return `{"x":"` + strings.Repeat("x", n-8) + `"}` }
	array := func(n int) string { return "[" + object(n-2) + "]" }
	over := func(n int) string {
		return servertest.ProblemJSON(t, 413, "payload_too_large",
			fmt.Sprintf("body: longer than %d bytes", n), "")
	}
	for _, chunked := range []bool{false, true} {
		for _, tc := range []struct {
			name, body string
			status     int
			want       string
		}{
			// the server reads it and refuses the field x
			{"single at the limit", object(maxSingleBody), 400, ""},
			{"single over it", object(maxSingleBody + 1), 413, over(maxSingleBody)},
			{
				"space before a single",
				strings.Repeat(" ", maxLeadingSpace-1) + object(maxSingleBody), 413,
				over(maxSingleBody),
			},
			{"batch over the single limit", array(maxSingleBody + 1), 200, ""},
			{"batch over its own", array(maxBatchBody + 1), 413, over(maxBatchBody)},
		} {
			var in io.Reader = strings.NewReader(tc.body)
			if chunked {
				in = struct{ io.Reader }{in} // without a length
			}
			r, _ := http.NewRequest("POST", base+"/v1/notifications", in)
			res, text := servertest.DoRequest(t, r, "X-API-Key: "+servertest.Key,
				"Content-Type: application/json", "X-Request-ID: req-1")
			if res.StatusCode != tc.status || tc.want != "" &&
				servertest.Sorted(t, text) != tc.want {
				t.Errorf("chunked %v, %s: %d %.200s", chunked, tc.name, res.StatusCode, text)
			}
		}
	}
}

// The server refuses a Content-Length above the limit before it reads the body.
func TestBodyLengthTooLarge(t *testing.T) {
	t.Parallel()
	address := strings.TrimPrefix(serveHub(t, servertest.NewHub(t)), "http://")
	for _, length := range []int64{maxBatchBody + 1, 1 << 60} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(servertest.Patience))
		fmt.Fprintf(c, "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"+
			"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n"+
			"\r\n", servertest.Key, length)
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") {
			t.Errorf("%d: %.200s", length, answer)
		}
	}
}

// A request that panics returns its buffer. Otherwise eight of them would stop all large bodies.
func TestLargeBodyBufferAfterPanic(t *testing.T) {
	t.Parallel()
	h := newHandler(testOptions(servertest.NewHub(t), servertest.Key))
	for i := range h.routes {
		if h.routes[i].handle != nil {
			h.routes[i].handle = func(*call) (any, error) { panic("defect") }
		}
	}
	router := edge.WithInfo(nil, edge.WithRecovery(zap.NewNop(), h.router()))
	r := httptest.NewRequest("POST", "/v1/notifications",
		strings.NewReader(`{"type":"`+strings.Repeat("x", smallBody)+`"}`))
	r.Header.Set("X-API-Key", servertest.Key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || len(h.large.buffers) != maxLargeBodies {
		t.Errorf("%d %s: %d of %d buffers are left", w.Code, w.Body, len(h.large.buffers), maxLargeBodies)
	}
}
