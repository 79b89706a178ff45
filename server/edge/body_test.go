package edge

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Proxies and HTTP clients send GET with an empty body of unknown length: chunked over HTTP/1.1, an
// empty DATA frame over HTTP/2. Only bytes are refused.
func TestBodyOfGET(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		s := httptest.NewUnstartedServer(WithBodyDeadline(10*time.Second, http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				if r.ContentLength != 0 || r.Body != http.NoBody {
					t.Errorf("%s: the handler sees a body of %d bytes", version, r.ContentLength)
				}
				_, _ = io.WriteString(w, r.Proto)
			})))
		s.EnableHTTP2 = version == "HTTP/2.0"
		s.StartTLS()
		t.Cleanup(s.Close)
		for body, want := range map[string]int{"": 200, "x": 400, strings.Repeat("x", 1<<20): 400} {
			// Without its type, net/http does not know the length of a reader.
			r, err := http.NewRequest("GET", s.URL, struct{ io.Reader }{strings.NewReader(body)})
			if err != nil {
				t.Fatal(err)
			}
			res, err := s.Client().Do(r)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", version, len(body), err)
			}
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != want || want == 200 && string(text) != version {
				t.Errorf("%s, %d bytes: %d %s", version, len(body), res.StatusCode, text)
			}
		}
	}
}
