package api

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

const httpAPIPage = "../../docs/http-api.md"

// The examples in docs/http-api.md work without changes.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(httpAPIPage)
	if err != nil {
		t.Fatal(err)
	}
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	m := servertest.Attach(t, hub, "Zk3vX0bq5tQyVfR2AAAB", "u1")
	servertest.Attach(t, hub, "c2", "u1")
	example := regexp.MustCompile(`(?s)curl -sS (?:-X ([A-Z]+) )?"\$ROOMCAST_URL([^"]*)"` +
		`((?: -H (?:"[^"]*"|'[^']*'))*)(?: -d '(.*?)')?(?: *# (\{.*?\}))?\n`)
	header := regexp.MustCompile(`-H (?:"([^"]*)"|'([^']*)')`)
	requests := example.FindAllStringSubmatch(string(page), -1)
	if len(requests) != 23 {
		t.Fatalf("%d examples", len(requests))
	}
	for _, found := range requests {
		method, path, body, want := found[1], found[2], found[4], found[5]
		if method == "" {
			method = map[bool]string{true: "POST", false: "GET"}[body != ""]
		}
		var headers []string
		for _, h := range header.FindAllStringSubmatch(found[3], -1) {
			headers = append(headers, strings.ReplaceAll(h[1]+h[2], "$ROOMCAST_API_KEY", servertest.Key))
		}
		res, answer := servertest.Do(t, method, base+path, body, headers...)
		if res.StatusCode/100 != 2 || strings.Contains(answer, `"error"`) || want != "" &&
			answer != want+"\n" {
			t.Errorf("%s %s %s: %d %s", method, path, body, res.StatusCode, answer)
		}
	}
	if m.In("orders") {
		t.Errorf("%q", m.Rooms())
	}
	_, answer := servertest.Publish(t, base, `{"target":{"user":true}}`)
	want := regexp.MustCompile(`\{"type":"about:blank".*\}`).FindString(string(page))
	want = regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(want, `"request_id":"req-1"`)
	if answer != want+"\n" {
		t.Errorf("the page shows\n%s\nthe server returns\n%s", want, answer)
	}
	for _, code := range problemCodes() {
		if !strings.Contains(string(page), "| `"+code+"` |") {
			t.Errorf("the page does not list %s", code)
		}
	}
}

// docs/http-api.md lists the routes of the server.
func TestDocumentedRoutes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(httpAPIPage)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("\n| route | |\n| --- | --- |\n")
	var last string
	h := newHandler(testOptions(servertest.NewHub(t), servertest.Key))
	for i := range h.routes {
		r := &h.routes[i]
		line := "| `" + r.Method + " " + r.Path + "` | " + r.Summary + " |\n"
		if r.Group == groupCatalogue {
			line = "| `POST /v1/notifications/{kind}` | Publish a notification of [the " +
				"catalogue](notifications.md) |\n"
		}
		if line != last && !strings.HasPrefix(r.Path, "/docs/") {
			want.WriteString(line)
		}
		last = line
	}
	_, rest, _ := strings.Cut(string(page), "<!-- routes -->\n")
	table, _, _ := strings.Cut(rest, "<!-- /routes -->")
	if table != want.String()+"\n" {
		t.Errorf("put this between the markers:\n%s", want.String())
	}
	if !slices.IsSortedFunc(h.routes,
		func(x, y route) int { return groupOrder(x.Group) - groupOrder(y.Group) }) {
		t.Error("the table does not group the routes by heading")
	}
}

func groupOrder(group string) int {
	return slices.Index([]string{
		groupNotifications, groupCatalogue, groupConnections, groupUsers, groupTickets,
		groupService,
	}, group)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	base := serveHub(t, servertest.NewHub(t))
	for _, tc := range []struct {
		method, path string
		status       int
		allow, body  string
	}{
		{"GET", "/v1/tickets", 405, "POST", servertest.ProblemJSON(t, 405, "method_not_allowed",
			"method GET is not allowed, expected POST", "")},
		{"DELETE", "/v1/notifications", 405, "GET, HEAD, POST", servertest.ProblemJSON(t, 405,
			"method_not_allowed", "method DELETE is not allowed, expected GET, HEAD, POST", "")},
		{
			"POST", "/v1/nothing", 404, "",
			servertest.ProblemJSON(t, 404, "not_found", "no such route", ""),
		},
		{
			"POST", "//v1/notifications", 404, "",
			servertest.ProblemJSON(t, 404, "not_found", "no such route", ""),
		},
		{
			"GET", "/v1/notifications/../x", 404, "",
			servertest.ProblemJSON(t, 404, "not_found", "no such route", ""),
		},
	} {
		res, body := servertest.Do(t, tc.method, base+tc.path, "", "X-Request-ID: req-1")
		if res.StatusCode != tc.status || res.Header.Get("Allow") != tc.allow ||
			servertest.Sorted(t, body) != tc.body {
			t.Errorf("%s %s: %d %q %s", tc.method, tc.path, res.StatusCode, res.Header.Get("Allow"),
				body)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "X-Request-ID": "req-1",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors " +
				"'none'", "Content-Type": "application/problem+json"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", tc.method, tc.path, name, got)
			}
		}
	}
	if res, body := servertest.Do(t, "HEAD", base+"/v1/tickets",
		""); res.StatusCode != http.StatusMethodNotAllowed || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
}
