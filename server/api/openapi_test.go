package api

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/server/servertest"
)

// The document has the routes of the table and no others, each with a unique operationId. The
// loader resolves every reference.
func TestOpenAPIRoutes(t *testing.T) {
	t.Parallel()
	h := newHandler(testOptions(servertest.NewHub(t), servertest.Key))
	doc, err := openapi3.NewLoader().LoadFromData(h.document())
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
			t.Errorf("the document does not have %s", name)
		}
		delete(described, name)
	}
	if len(described) > 0 {
		t.Errorf("routes that are not in the table: %v", described)
	}
	for _, kind := range catalogue.Kinds() {
		if doc.Paths.Find("/v1/notifications/"+kind.Name) == nil {
			t.Errorf("no route for %s", kind.Name)
		}
	}
	if !bytes.Equal(h.document(),
		newHandler(testOptions(servertest.NewHub(t), servertest.Key)).document()) {
		t.Error("two calls return different documents")
	}
}

func TestDocsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain <b>":            "plain &lt;b&gt;",
		"`{\"user\":\"<u>\"}`": "<code>{&#34;user&#34;:&#34;&lt;u&gt;&#34;}</code>",
		"`a`, `b` and c":       "<code>a</code>, <code>b</code> and c",
		"one ` only":           "one ` only",
		"":                     "",
	} {
		if got := string(docsText(text)); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// The page shows every route and object and respects its policy. The server serves its files.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	res, page := servertest.Do(t, "GET", base+"/docs", "")
	// Two full stops; bounds of a text; Markdown.
	for _, wrong := range []string{".. ", "string, -", "`", "&#96;"} {
		if i := strings.Index(page, wrong); i >= 0 {
			t.Errorf("the page has %q", page[max(0, i-40):i+len(wrong)])
		}
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
		res.Header.Get("Content-Security-Policy") != docsPolicy {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	h := newHandler(testOptions(hub, servertest.Key))
	for i := range h.routes {
		r := &h.routes[i]
		if !strings.Contains(page, `<article id="`+r.ID+`">`) ||
			!strings.Contains(page, `data-method="`+r.Method+`" data-path="`+r.Path+`"`) {
			t.Errorf("the page does not have %s %s", r.Method, r.Path)
		}
	}
	for _, o := range h.objects {
		if !strings.Contains(page, `<article id="object-`+o.Name+`">`) {
			t.Errorf("the page does not have %s", o.Name)
		}
	}
	for _, forbidden := range []string{
		"<script>", "<style", " style=", "onclick", "http://", "//cdn", "ZgotmplZ",
	} {
		if strings.Contains(strings.ReplaceAll(page, "https://example.com", ""), forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for path, media := range map[string]string{
		"/docs/docs.css": "text/css; charset=utf-8",
		"/docs/docs.js":  "text/javascript; charset=utf-8",
	} {
		res, text := servertest.Do(t, "GET", base+path, "")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != media || len(text) < 100 ||
			!strings.Contains(page, `"`+path[1:]+`"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		for _, sink := range []string{
			"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
		} {
			if strings.Contains(text, sink) {
				t.Errorf("%s uses %s", path, sink)
			}
		}
	}
	if !slices.Contains(Paths(), "/docs/docs.js") {
		t.Error("Paths does not have the script")
	}
}
