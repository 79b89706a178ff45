package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// contract holds requests and answers of a server against /openapi.json.
type contract struct {
	base   string
	router routers.Router
	seen   map[string]bool // "POST /v1/notifications 200"
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

// ask sends a request, checks the answer against the description, and returns
// the status, the text, and what the description says about the request.
func (c *contract) ask(t *testing.T, method, path, body string, headers ...string) (status int, text string, wrong error) {
	t.Helper()
	return c.askReader(t, method, path, body, strings.NewReader(body), headers...)
}

func (c *contract) askReader(t *testing.T, method, path, described string, body io.Reader, headers ...string) (status int, text string, wrong error) {
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
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	wrong = openapi3filter.ValidateRequest(context.Background(), in)

	res, text := servertest.DoRequest(t, make(c.base, body), headers...)
	name := fmt.Sprintf("%s %s %d", method, route.Path, res.StatusCode)
	c.seen[name] = true
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(strings.NewReader(text)), Options: options}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/") {
		out.Options = &openapi3filter.Options{ExcludeResponseBody: true, IncludeResponseStatus: true}
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s: the answer is not as described: %v\n%s", name, err, text)
	}
	if res.StatusCode >= 400 && res.StatusCode != 503 && res.Header.Get("Content-Type") != edge.ProblemContentType {
		t.Errorf("%s: Content-Type %s", name, res.Header.Get("Content-Type"))
	}
	if (res.StatusCode == 429 || res.StatusCode == 503 && r.URL.Path != "/readyz") && res.Header.Get("Retry-After") == "" {
		t.Errorf("%s: no Retry-After", name)
	}
	return res.StatusCode, text, wrong
}

// goodRequest is a request that the table itself shows.
func goodRequest(r *route) (path, body string) {
	path = strings.NewReplacer("{clientId}", "c1", "{userId}", "u1", "{channel}", "orders").Replace(r.Path)
	if r.ID == "history" {
		path += "?user=u1"
	}
	if r.Body != nil {
		body = r.Body.Example
	}
	return path, body
}

const limitedKey = "a-key-of-at-least-32-random-bytes-0003"

// Every route answers what its description says, the good and the bad.
func TestContract(t *testing.T) {
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
			status, text, wrong := c.ask(t, method, path, body, headers...)
			if status != want || described && wrong != nil {
				t.Errorf("%s %s: %d, want %d; %v\n%.400s", method, path, status, want, wrong, text)
			}
		}
		expect(r.status(), true, r.Method, path, body, headers...)
		if r.serve != nil {
			continue
		}
		expect(401, true, r.Method, path, body, headers[1:]...)
		expect(403, true, r.Method, path, body, append(headers[1:], "X-API-Key: "+limitedKey)...)
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
		expect(413, false, r.Method, path, `{"x":"`+strings.Repeat("x", maxSingleBody)+`"}`, headers...)
		expect(415, false, r.Method, path, body, headers[0], "Content-Type: text/plain")
		if r.Publishes {
			expect(200, true, r.Method, path, body, append(headers, "Idempotency-Key: "+r.ID)...)
			expect(409, true, r.Method, path, strings.Replace(body, "{", "{ ", 1), append(headers, "Idempotency-Key: "+r.ID)...)
			expect(400, false, r.Method, path, body, append(headers, "Idempotency-Key: "+strings.Repeat("x", 65))...)
		}
	}
	c.slowBodies(t, hub)
	c.downStore(t)
	c.wrongKeys(t, h)
	c.check(t, h)
}

// slowBodies asks with bodies that do not come.
func (c *contract) slowBodies(t *testing.T, hub *notify.Hub) {
	h := newHandler(testOptions(hub, servertest.Key))
	slow := *c
	slow.base = "http://" + servertest.Serve(t, edge.WithInfo(nil, edge.WithBodyDeadline(20*time.Millisecond, edge.WithAPIHeaders(h.router()))))
	for i := range h.routes {
		if r := &h.routes[i]; r.Body != nil {
			in, out := io.Pipe()
			defer out.Close()
			status, text, _ := slow.askReader(t, r.Method, r.Path, r.Body.Example, in, "X-API-Key: "+servertest.Key, "Content-Type: application/json")
			if status != 408 {
				t.Errorf("%s: %d %s", r.Path, status, text)
			}
			_ = in.Close()
		}
	}
}

// fullIssuer has no more tickets.
type fullIssuer struct{ *auth.Tickets }

func (fullIssuer) Issue(string, string, []string, time.Duration) (string, time.Time, error) {
	return "", time.Time{}, auth.ErrTicketsFull
}

// downStore asks while nothing can be stored.
func (c *contract) downStore(t *testing.T) {
	hub := notify.New(servertest.DownLog{Log: notify.NewMemoryLog()}, notify.DefaultOptions())
	t.Cleanup(hub.Close)
	options := testOptions(hub, servertest.Key)
	options.Tickets = fullIssuer{}
	options.Ready = probe(http.StatusServiceUnavailable, `{"status":"unavailable","reason":"store"}`)
	h := newHandler(options)
	down := *c
	down.base = "http://" + servertest.Serve(t, edge.WithInfo(nil, New(options)))
	for i := range h.routes {
		if r := &h.routes[i]; r.Body != nil || r.busy {
			headers := []string{"X-API-Key: " + servertest.Key}
			if r.Body != nil {
				headers = append(headers, "Content-Type: application/json")
			}
			_, body := goodRequest(r)
			if status, text, _ := down.ask(t, r.Method, r.Path, body, headers...); status != 503 {
				t.Errorf("%s: %d %s", r.Path, status, text)
			}
		}
	}
}

// wrongKeys asks with more wrong keys than an address may send.
func (c *contract) wrongKeys(t *testing.T, h *handler) {
	for range keyFailuresPerMinute {
		if status, text, _ := c.ask(t, "GET", "/v1/stats", "", "X-API-Key: wrong"); status != 403 {
			t.Fatalf("%d %s", status, text)
		}
	}
	for i := range h.routes {
		if r := &h.routes[i]; r.serve == nil {
			path, body := goodRequest(r)
			if status, text, _ := c.ask(t, r.Method, path, body, "X-API-Key: wrong"); status != 429 {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	}
}

// check finds what the description promises and no request has shown.
func (c *contract) check(t *testing.T, h *handler) {
	for i := range h.routes {
		r := &h.routes[i]
		for _, status := range append(r.errors(), r.status()) {
			name := fmt.Sprintf("%s %s %d", r.Method, r.Path, status)
			if status != http.StatusInternalServerError && !c.seen[name] { // a 500 is a defect, there is none to show
				t.Errorf("nothing showed %s", name)
			}
		}
	}
}

// The document has the routes of the table and no others, each with its own id,
// and every reference in it leads somewhere.
func TestOpenAPIRoutes(t *testing.T) {
	h := newHandler(testOptions(servertest.NewHub(t), servertest.Key))
	doc, err := openapi3.NewLoader().LoadFromData(h.document)
	if err != nil {
		t.Fatal(err)
	}
	described, ids := map[string]bool{}, map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			described[method+" "+path] = true
			if ids[operation.OperationID] || operation.OperationID == "" {
				t.Errorf("%s %s: operationId %q", method, path, operation.OperationID)
			}
			ids[operation.OperationID] = true
		}
	}
	for i := range h.described {
		name := h.described[i].Method + " " + h.described[i].Path
		if !described[name] {
			t.Errorf("%s is not described", name)
		}
		delete(described, name)
	}
	if len(described) > 0 {
		t.Errorf("described but not in the table: %v", described)
	}
	for _, kind := range catalogue.Kinds() {
		if doc.Paths.Find("/v1/notifications/"+kind.Name) == nil {
			t.Errorf("no route for %s", kind.Name)
		}
	}
	if !bytes.Equal(h.document, newHandler(testOptions(servertest.NewHub(t), servertest.Key)).document) {
		t.Error("the document is not the same each time")
	}
}

// Every kind takes each of its statuses, and refuses what the description does
// not allow, naming the field.
func TestContractOfKinds(t *testing.T) {
	hub := servertest.NewHub(t)
	c := newContract(t, serveHub(t, hub))
	send := func(kind string, body map[string]any) (int, string, error) {
		t.Helper()
		return c.ask(t, "POST", "/v1/notifications/"+kind, servertest.Canonical(t, body), "X-API-Key: "+servertest.Key, "Content-Type: application/json")
	}
	for _, kind := range catalogue.Kinds() {
		fresh := func() map[string]any {
			var body map[string]any
			if err := json.Unmarshal([]byte(kindExample(kind)), &body); err != nil {
				t.Fatalf("%s: %v", kind.Name, err)
			}
			return body
		}
		statuses := kind.Status.Enum
		if statuses == nil {
			statuses = []string{fresh()[kind.Status.Name].(string)}
		}
		for _, status := range statuses {
			body := fresh()
			body[kind.Status.Name] = status
			if code, text, wrong := send(kind.Name, body); code != 200 || wrong != nil {
				t.Errorf("%s %s: %d %s %v", kind.Name, status, code, text, wrong)
			}
		}
		refused := func(field string, body map[string]any) {
			t.Helper()
			code, text, wrong := send(kind.Name, body)
			var p edge.Problem
			if err := json.Unmarshal([]byte(text), &p); err != nil || code != 400 || p.Field != field || wrong == nil {
				t.Errorf("%s, %s: %d %s; the description says %v", kind.Name, field, code, text, wrong)
			}
		}
		body := fresh()
		delete(body, kind.Status.Name)
		refused(kind.Status.Name, body)
		body = fresh()
		body[kind.Status.Name] = 7
		refused(kind.Status.Name, body)
		body = fresh()
		body["nonsense"] = 1
		refused("nonsense", body)
		for name, bad := range map[string]any{"except": "c1", "volatile": "yes", "ttl": 5, "metadata": []int{}, "data": "x"} {
			body = fresh()
			body[name] = bad
			refused(name, body)
		}
		for _, f := range kind.Fields {
			if f.Type == catalogue.TypeAny {
				continue
			}
			var bad any = map[string]any{"is": "an object"}
			if f.Type == catalogue.TypeObject {
				bad = 7
			}
			body := fresh()
			data, _ := body["data"].(map[string]any)
			if data == nil {
				data = map[string]any{}
			}
			data[f.Name] = bad
			body["data"] = data
			refused("data."+f.Name, body)
		}
	}
	if code, text, _ := post(t, c.base+"/v1/notifications/nonsense", "{}"); code != 404 || !strings.Contains(text, `"field":"kind"`) || !strings.Contains(text, "payment, ") {
		t.Errorf("%d %s", code, text)
	}
}

func post(t *testing.T, url, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	res, text := servertest.Do(t, "POST", url, body, append(headers, "X-API-Key: "+servertest.Key, "Content-Type: application/json", "X-Request-ID: req-1")...)
	return res.StatusCode, text, res.Header
}

// The page shows every route and object of the table, keeps its own policy, and
// its files are served.
func TestDocsPage(t *testing.T) {
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	res, page := servertest.Do(t, "GET", base+"/docs", "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" || res.Header.Get("Content-Security-Policy") != docsPolicy {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	h := newHandler(testOptions(hub, servertest.Key))
	for i := range h.routes {
		r := &h.routes[i]
		if !strings.Contains(page, `<article id="`+r.ID+`">`) || !strings.Contains(page, `data-method="`+r.Method+`" data-path="`+r.Path+`"`) {
			t.Errorf("%s %s is not on the page", r.Method, r.Path)
		}
	}
	for _, o := range h.objects {
		if !strings.Contains(page, `<article id="object-`+o.Name+`">`) {
			t.Errorf("%s is not on the page", o.Name)
		}
	}
	for _, forbidden := range []string{"<script>", "<style", " style=", "onclick", "http://", "//cdn", "ZgotmplZ"} {
		if strings.Contains(strings.ReplaceAll(page, "https://example.com", ""), forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for path, media := range map[string]string{"/docs/docs.css": "text/css; charset=utf-8", "/docs/docs.js": "text/javascript; charset=utf-8"} {
		res, text := servertest.Do(t, "GET", base+path, "")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != media || len(text) < 100 || !strings.Contains(page, `"`+path[1:]+`"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			if strings.Contains(text, sink) {
				t.Errorf("%s uses %s", path, sink)
			}
		}
	}
	if !slices.Contains(Paths(), "/docs/docs.js") {
		t.Error("the outer router does not know the script")
	}
}
