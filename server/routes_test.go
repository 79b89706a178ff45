package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// A path of the stream may end with a slash. Unknown paths below it, that of Socket.IO and of the API
// answer with a problem, whatever the console serves.
func TestPaths(t *testing.T) {
	t.Parallel()
	s := newServiceStack(t, nil)
	for _, path := range []string{"/sse?userId=a", "/sse/?userId=a", "/api/sse/?userId=a"} {
		res, err := http.Get("http://" + s.Base + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/socket.io/x", "/api/socket.io/x/y", "/v1/x", "/v1/x/y", "/sse/x", "/sse/x/y",
		"/api/sse/x"} {
		res, body := servertest.Do(t, "GET", "http://"+s.Base+path, "")
		if res.StatusCode != 404 || !strings.Contains(body, `"code":"not_found"`) ||
			res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}
