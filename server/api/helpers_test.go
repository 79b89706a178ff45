package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// testOptions returns the options of the API in tests.
func testOptions(hub *notify.Hub, keys ...string) Options {
	return Options{Hub: hub, Keys: keys, Tickets: auth.NewTickets(nil), Mode: auth.ModeOpen,
		Live:  probe(http.StatusOK, `{"status":"ok"}`),
		Ready: probe(http.StatusOK, `{"status":"ready"}`)}
}

// probe returns a handler for /livez or /readyz with this response.
func probe(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		edge.WriteJSON(w, status, edge.RawJSON(body))
	}
}

// serveHub serves the API of a hub and returns the base URL.
func serveHub(t testing.TB, hub *notify.Hub) string {
	t.Helper()
	return "http://" + servertest.Serve(t,
		edge.WithInfo(nil, New(testOptions(hub, servertest.Key))))
}

// testServer is an API with a hub and a client of it.
type testServer struct {
	t    *testing.T
	base string
	hub  *notify.Hub
}

func newTestServer(t *testing.T, keys ...string) testServer {
	t.Helper()
	hub := servertest.NewHub(t)
	options := testOptions(hub, append(keys, servertest.Key)...)
	return testServer{t, "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options))), hub}
}

// ask sends a request, by default with servertest.Key, and returns the status and the body.
func (s testServer) ask(method, path, body string, headers ...string) (int, string) {
	s.t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	if !slices.ContainsFunc(headers,
		func(h string) bool { return strings.HasPrefix(h, "X-API-Key: ") }) {
		headers = append(headers, "X-API-Key: "+servertest.Key)
	}
	res, text := servertest.Do(s.t, method, s.base+path, body,
		append(headers, "X-Request-ID: req-1")...)
	return res.StatusCode, strings.TrimSuffix(text, "\n")
}

// expect sends a request and compares the status and the body.
func (s testServer) expect(method, path string, status int, want string) {
	s.t.Helper()
	if code, text := s.ask(method, path, ""); code != status || text != want {
		s.t.Errorf("%s %s: %d %s\nwant %d %s", method, path, code, text, status, want)
	}
}

// refused sends a request and expects a validation problem.
func (s testServer) refused(method, path, body, field, detail string) {
	s.t.Helper()
	code, text := s.ask(method, path, body)
	if want := servertest.ProblemJSON(s.t, 400, "validation", detail, field); code != 400 ||
		servertest.Sorted(s.t, text) != want {
		s.t.Errorf("%s %s %s: %d %s\nwant %s", method, path, body, code, text, want)
	}
}

// ids returns one field of every element of a list, and the cursor of the next page.
func ids(t *testing.T, text, list, field string) (names []string, next string) {
	t.Helper()
	var reply map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var elements []map[string]any
	if err := json.Unmarshal(reply[list], &elements); err != nil || elements == nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, e := range elements {
		names = append(names, e[field].(string))
	}
	_ = json.Unmarshal(reply["next"], &next)
	return names, next
}

// cursor returns the cursor of a page that ends with this name.
func cursor(name string) string {
	return next(part[string]{[]string{name}, true}, func(name string) string { return name })
}

// post sends a POST request with servertest.Key.
func post(t *testing.T, url, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	res, text := servertest.Do(t, "POST", url, body, append(headers, "X-API-Key: "+servertest.Key,
		"Content-Type: application/json", "X-Request-ID: req-1")...)
	return res.StatusCode, text, res.Header
}
