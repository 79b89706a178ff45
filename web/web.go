// Package web serves the console: a page to watch, send and try with, embedded in the binary.
//
// Its sources are in web/console; `make generate` builds them into web/assets, which is committed, so that the server
// needs only Go.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Policy is the Content-Security-Policy of every answer.
//
// The page shows what others publish, so it is written as if every byte of it were hostile: it runs no script and no
// style but its own two files, talks to its own origin only ('self' covers the websocket of that origin, CSP3
// section 6.7.2.8), cannot be framed, and has no sink that turns text into markup (Trusted Types).
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

//go:embed assets
var files embed.FS

// The media types are written out because mime.TypeByExtension reads tables of the machine, and a machine that says
// text/plain for .js would, with nosniff, break the page.
func mediaTypes() map[string]string {
	return map[string]string{
		".html": "text/html; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".svg":  "image/svg+xml",
	}
}

type asset struct {
	body   []byte
	header http.Header
	etag   string
}

type handler struct{ assets map[string]asset }

// Handler serves the console at `/` and its assets beside it, for GET and HEAD; any other path is answered 404.
//
// All links are relative, so it can be mounted elsewhere with [http.StripPrefix]: the prefix without its slash is
// redirected to the one with it. Answers carry an ETag and must be revalidated, so a new binary shows at the next
// load. The handler holds no state and may be shared.
func Handler() http.Handler {
	names, err := files.ReadDir("assets")
	if err != nil {
		panic(err) // an embedded directory is there or the package does not compile
	}
	h := &handler{assets: make(map[string]asset, len(names)+1)}
	for _, entry := range names {
		a := newAsset(entry.Name())
		h.assets["/"+entry.Name()] = a
		if entry.Name() == "index.html" {
			h.assets["/"] = a
		}
	}
	return h
}

func newAsset(name string) asset {
	body, err := files.ReadFile("assets/" + name)
	if err != nil {
		panic(err)
	}
	kind, ok := mediaTypes()[path.Ext(name)]
	if !ok {
		panic(fmt.Sprintf("web: %s has no media type", name))
	}
	sum := sha256.Sum256(body)
	a := asset{body: body, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, header: http.Header{}}
	a.header.Set("Content-Type", kind)
	a.header.Set("ETag", a.etag)
	a.header.Set("Cache-Control", "no-cache")
	secure(a.header)
	return a
}

// secure sets what every answer carries, errors included.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		secure(out)
		out.Set("Allow", "GET, HEAD")
		http.Error(w, "the console answers GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "" {
		secure(out)
		// StripPrefix took the whole path. The last part of what was asked for, as a relative reference, leads to the
		// page wherever it is mounted and can name no other host.
		asked, _, _ := strings.Cut(r.RequestURI, "?")
		out.Set("Location", "./"+path.Base(asked)+"/")
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	a, ok := h.assets[r.URL.Path]
	if !ok {
		secure(out)
		http.Error(w, "not part of the console", http.StatusNotFound)
		return
	}
	for name, values := range a.header {
		out[name] = values[:1:1]
	}
	if matches(r.Header.Values("If-None-Match"), a.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	out.Set("Content-Length", strconv.Itoa(len(a.body)))
	if r.Method == http.MethodGet {
		w.Write(a.body)
	}
}

// matches compares weakly, as RFC 9110 section 13.1.2 asks for If-None-Match: a proxy that compresses weakens the tag.
func matches(fields []string, etag string) bool {
	for _, field := range fields {
		for tag := range strings.SplitSeq(field, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
