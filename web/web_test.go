package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h http.Handler, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func checkSecure(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
			"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; " +
			"require-trusted-types-for 'script'; trusted-types 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q once", name, got, want)
		}
	}
}

func TestAssets(t *testing.T) {
	h := Handler()
	kinds := map[string]string{
		"/":            "text/html; charset=utf-8",
		"/index.html":  "text/html; charset=utf-8",
		"/console.css": "text/css; charset=utf-8",
		"/console.js":  "text/javascript; charset=utf-8",
		"/icon.svg":    "image/svg+xml",
	}
	if got := len(h.(*handler).assets); got != len(kinds) {
		t.Errorf("%d assets are served, %d are listed here", got, len(kinds))
	}
	for target, kind := range kinds {
		t.Run(target, func(t *testing.T) {
			res := get(t, h, "GET", target, nil)
			text := body(t, res)
			if res.StatusCode != 200 || len(text) == 0 {
				t.Fatalf("status %d, %d bytes", res.StatusCode, len(text))
			}
			checkSecure(t, res.Header)
			want := map[string]string{
				"Content-Type":   kind,
				"Cache-Control":  "no-cache",
				"Content-Length": strconv.Itoa(len(text)),
			}
			for name, value := range want {
				if got := res.Header.Get(name); got != value {
					t.Errorf("%s = %q, want %q", name, got, value)
				}
			}
			if n := len(res.Header); n != 5+len(want)+1 { // and the ETag
				t.Errorf("%d header fields: %v", n, res.Header)
			}

			head := get(t, h, "HEAD", target, nil)
			if head.StatusCode != 200 || body(t, head) != "" || head.Header.Get("Content-Length") != want["Content-Length"] {
				t.Errorf("HEAD: status %d, header %v", head.StatusCode, head.Header)
			}
		})
	}
}

func TestRevalidation(t *testing.T) {
	h := Handler()
	etag := get(t, h, "GET", "/", nil).Header.Get("ETag")
	if !regexp.MustCompile(`^"[0-9a-f]{24}"$`).MatchString(etag) {
		t.Fatalf("ETag %q", etag)
	}
	for field, want := range map[string]int{
		etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, `"x"`: 200, strings.Trim(etag, `"`): 200, "": 200,
	} {
		res := get(t, h, "GET", "/", http.Header{"If-None-Match": {field}})
		if res.StatusCode != want {
			t.Errorf("If-None-Match: %s: status %d, want %d", field, res.StatusCode, want)
		}
		if text := body(t, res); (want == 304) != (text == "") {
			t.Errorf("If-None-Match: %s: %d bytes", field, len(text))
		}
		checkSecure(t, res.Header)
	}
}

func TestRefused(t *testing.T) {
	h := Handler()
	for _, target := range []string{"/console/index.html", "/web.go", "/index.html/", "//", "/..", "/%2e%2e/web.go", "/CONSOLE.CSS"} {
		res := get(t, h, "GET", target, nil)
		if res.StatusCode != 404 || body(t, res) != "not part of the console\n" {
			t.Errorf("%s: status %d", target, res.StatusCode)
		}
		checkSecure(t, res.Header)
	}
	res := get(t, h, "POST", "/", nil)
	if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: status %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
	checkSecure(t, res.Header)
}

func TestMountedElsewhere(t *testing.T) {
	h := http.StripPrefix("/tools/console", Handler())
	res := get(t, h, "GET", "/tools/console?x=1", nil)
	if res.StatusCode != 307 || res.Header.Get("Location") != "./console/" {
		t.Errorf("status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
	}
	if res := get(t, h, "GET", "/tools/console/console.js", nil); res.StatusCode != 200 {
		t.Errorf("asset: status %d", res.StatusCode)
	}
}

// What the policy would refuse must not be in the files, or the page would be broken rather than safe.
func TestAssetsKeepThePolicy(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"an inline script":       regexp.MustCompile(`(?i)<script(?:[^>]*\ssrc=[^>]*>\s*[^<\s]|\s*>|\s+(?:type="?module"?\s*)?>)`),
		"an inline style":        regexp.MustCompile(`(?i)<style|\sstyle\s*=|\.style\b|cssText`),
		"an event attribute":     regexp.MustCompile(`(?i)<[a-z][^>]*\son[a-z]+\s*=`),
		"a script address":       regexp.MustCompile(`(?i)javascript:`),
		"a sink for markup":      regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|createContextualFragment|setHTML`),
		"code from text":         regexp.MustCompile(`\beval\(|new Function|setTimeout\(["'` + "`" + `]`),
		"another origin":         regexp.MustCompile(`(?i)(?:https?|wss?):?//|["'(]//`),
		"an import out of tree":  regexp.MustCompile(`from\s+"(?:[^.]|\.\.)`),
		"a link from its root":   regexp.MustCompile(`(?:src|href)="/`),
		"something left to fill": regexp.MustCompile(`TODO|FIXME|XXX`),
	}
	namespaces := strings.NewReplacer(`"http://www.w3.org/2000/svg"`, "") // a name, not an address
	for target := range Handler().(*handler).assets {
		text := namespaces.Replace(body(t, get(t, Handler(), "GET", target, nil)))
		for what, pattern := range forbidden {
			if found := pattern.FindString(text); found != "" {
				t.Errorf("%s has %s: %q", target, what, found)
			}
		}
	}
	for what, sample := range map[string]string{
		"an inline script":   "<script>x</script>",
		"an inline style":    `<p style="x">`,
		"an event attribute": `<img src=x onerror=alert(1)>`,
		"another origin":     `import "https://cdn.example/x.js"`,
		"a sink for markup":  "a.innerHTML = b",
	} {
		if !forbidden[what].MatchString(sample) {
			t.Errorf("the pattern for %s misses %q", what, sample)
		}
	}
}

// Every file that a file refers to is served, relative to where the page is.
func TestReferences(t *testing.T) {
	h := Handler()
	links := regexp.MustCompile(`(?:(?:src|href)=|from )"(?:\./)?([^"#]+)"`)
	found := 0
	for target := range h.(*handler).assets {
		for _, match := range links.FindAllStringSubmatch(body(t, get(t, h, "GET", target, nil)), -1) {
			found++
			if res := get(t, h, "GET", "/"+match[1], nil); res.StatusCode != 200 {
				t.Errorf("%s refers to %s: status %d", target, match[1], res.StatusCode)
			}
		}
	}
	if found < 4 { // the icon twice, the style and the script
		t.Errorf("only %d references found", found)
	}
}
