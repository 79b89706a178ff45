package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// contract sends requests to a server and compares them and the responses with /openapi.json.
type contract struct {
	base   string
	router routers.Router
	seen   map[string]bool // responses, such as "POST /v1/notifications 200"
}

func newContract(t *testing.T, base string) *contract {
	t.Helper()
	res, text := servertest.Do(t, "GET", base+"/openapi.json", "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("/openapi.json: %d", res.StatusCode)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{base: base, router: router, seen: map[string]bool{}}
}

// ask sends a request, compares the response with the description, and returns the status and the
// body. wrong is how the request violates the description, or nil.
func (c *contract) ask(
	t *testing.T, method, path, body string, headers ...string,
) (status int, text string, wrong error) {
	t.Helper()
	return c.askReader(t, method, path, body, strings.NewReader(body), headers...)
}

// askReader is ask with a body that comes from a reader; described is the body for the description.
func (c *contract) askReader(
	t *testing.T, method, path, described string, body io.Reader, headers ...string,
) (status int, text string, wrong error) {
	t.Helper()
	make := func(base string, body io.Reader) *http.Request {
		r, err := http.NewRequest(method, base+path, body)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := make("", strings.NewReader(described))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route, Options: options,
	}
	wrong = openapi3filter.ValidateRequest(context.Background(), in)

	res, text := servertest.DoRequest(t, make(c.base, body), headers...)
	name := fmt.Sprintf("%s %s %d", method, route.Path, res.StatusCode)
	c.seen[name] = true
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in,
		Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(strings.NewReader(text)), Options: options}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/") {
		out.Options = &openapi3filter.Options{
			ExcludeResponseBody: true, IncludeResponseStatus: true,
		}
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s: the response differs from the description: %v\n%s", name, err, text)
	}
	if res.StatusCode >= 400 && res.StatusCode != 503 &&
		res.Header.Get("Content-Type") != edge.ProblemContentType {
		t.Errorf("%s: Content-Type %s", name, res.Header.Get("Content-Type"))
	}
	if (res.StatusCode == 429 || res.StatusCode == 503 && r.URL.Path != "/readyz") &&
		res.Header.Get("Retry-After") == "" {
		t.Errorf("%s: no Retry-After", name)
	}
	return res.StatusCode, text, wrong
}

// goodRequest returns the example of a route.
func goodRequest(r *route) (path, body string) {
	path = strings.NewReplacer("{clientId}", "c1", "{userId}", "u1", "{channel}",
		"orders", "{type}", "status").Replace(r.Path)
	if r.ID == "history" {
		path += "?user=u1"
	}
	if r.Body != nil {
		body = r.Body.Example
	}
	return path, body
}

const limitedKey = "a-key-of-at-least-32-random-bytes-0003"

// Every route returns the responses in its description, and each status in it at least once.
func TestContract(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	servertest.Attach(t, hub, "c1", "u1", "orders")
	servertest.Attach(t, hub, "c2", "")
	options := testOptions(hub, servertest.Key, limitedKey+":channel:none")
	h := newHandler(options)
	c := newContract(t, "http://"+servertest.Serve(t, edge.WithInfo(nil, New(options))))

	asJSON := "Content-Type: application/json"
	for i := range h.routes {
		r := &h.routes[i]
		path, body := goodRequest(r)
		headers := []string{"Authorization: Bearer " + servertest.Key}
		if r.Body != nil {
			headers = append(headers, asJSON)
		}
		expect := func(want int, described bool, method, path, body string, headers ...string) {
			t.Helper()
			valid := body
			if !described {
				valid = "" // nobody looks at what the description says of this body
			}
			status, text, wrong := c.askReader(t, method, path, valid, strings.NewReader(body),
				headers...)
			if status != want || described && wrong != nil {
				t.Errorf("%s %s: %d, want %d; %v\n%.400s", method, path, status, want, wrong, text)
			}
		}
		expect(r.status(), true, r.Method, path, body, headers...)
		if r.serve != nil {
			continue
		}
		expect(401, true, r.Method, path, body, headers[1:]...)
		// Every key may ask for these; wrongKeys shows the 403 of all routes.
		if r.ID == "position" || r.ID == "request" {
			c.seen["GET "+r.Path+" 403"] = true
		} else {
			expect(403, true, r.Method, path, body,
				append(headers[1:], "X-API-Key: "+limitedKey)...)
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		expect(400, false, r.Method, path+separator+"nonsense=1", body, headers...)
		if strings.Contains(r.Path, "{clientId}") {
			expect(404, true, r.Method, strings.Replace(path, "c1", "c9", 1), body, headers...)
		}
		if r.Body == nil {
			continue
		}
		expect(400, false, r.Method, path, `{"nonsense":1}`, headers...)
		expect(413, false, r.Method, path, `{"x":"`+strings.Repeat("x", maxSingleBody)+`"}`,
			headers...)
		expect(415, false, r.Method, path, body, headers[0], "Content-Type: text/plain")
		if r.Publishes {
			expect(200, true, r.Method, path, body, append(headers, "Idempotency-Key: "+r.ID)...)
			expect(409, true, r.Method, path, strings.Replace(body, "{", "{ ", 1),
				append(headers, "Idempotency-Key: "+r.ID)...)
			expect(400, false, r.Method, path, body,
				append(headers, "Idempotency-Key: "+strings.Repeat("x", 65))...)
		}
	}
	c.slowBodies(t, hub)
	c.downStore(t)
	c.wrongKeys(t, h)
	c.check(t, h)
}

// check reports statuses in the description that no request returned.
func (c *contract) check(t *testing.T, h *handler) {
	for i := range h.routes {
		r := &h.routes[i]
		for _, status := range append(r.errors(), r.status()) {
			name := fmt.Sprintf("%s %s %d", r.Method, r.Path, status)
			// only a defect returns 500
			if status != http.StatusInternalServerError && !c.seen[name] {
				t.Errorf("no request returned %s", name)
			}
		}
	}
}
