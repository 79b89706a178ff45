package edge

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// Over HTTP/2 the pseudo-header :authority is the Host.
func TestHostOverHTTP2(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(WithHosts(
		func(host string) bool { return host == "localhost" },
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto)
		})))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	client := s.Client()
	client.Timeout = servertest.Patience
	for host, want := range map[string]int{"localhost": 200, "evil.example": 403} {
		r, err := http.NewRequest("GET", s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want || res.ProtoMajor != 2 {
			t.Errorf("%s: %s %s", host, res.Proto, res.Status)
		}
	}
}
