package clientfiles

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// dist writes a folder with files of these names, whose content is their name.
func dist(t *testing.T, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		write(t, filepath.Join(folder, name), name)
	}
	return folder
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, source string) *Files {
	t.Helper()
	f, err := Open(source)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func get(f http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/socket.io/x", nil)
	r.URL.Path = path
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestFolder(t *testing.T) {
	t.Parallel()
	f := open(t, dist(t, append(Names, "package.json")...))
	for _, name := range Names {
		w := get(f, "GET", "/socket.io/"+name)
		kind := "application/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".map") {
			kind = "application/json; charset=utf-8"
		}
		h := w.Header()
		if w.Code != 200 || w.Body.String() != name || h.Get("Content-Type") != kind ||
			h.Get("Cache-Control") != "public, max-age=0" {
			t.Errorf("%s: %d %v %s", name, w.Code, h, w.Body)
		}
		head := get(f, "HEAD", "/socket.io/"+name)
		if head.Code != 200 || head.Body.Len() > 0 || head.Header().Get("ETag") != h.Get("ETag") {
			t.Errorf("HEAD %s: %d %v", name, head.Code, head.Header())
		}
		for _, tag := range []string{h.Get("ETag"), "W/" + h.Get("ETag"), `"x", ` + h.Get("ETag"), "*"} {
			w := get(f, "GET", "/socket.io/"+name, "If-None-Match", tag)
			if w.Code != 304 || w.Body.Len() > 0 || w.Header().Get("Content-Type") != "" {
				t.Errorf("%s with %s: %d", name, tag, w.Code)
			}
		}
	}
	for _, path := range []string{"/socket.io/package.json", "/socket.io/", "/socket.io/..",
		"/socket.io/../dist/socket.io.js/..", "/socket.io/SOCKET.IO.JS", "/socket.io/.",
		"/socket.io/socket.io.js%00", "/socket.io/socket.io.js.gz"} {
		if w := get(f, "GET", path); w.Code != 404 || !strings.Contains(w.Body.String(), "not_found") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		w := get(f, method, "/socket.io/socket.io.js")
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	f := open(t, dist(t, Main))
	plain := get(f, "GET", "/socket.io/"+Main)
	for _, accept := range []string{"gzip", "br, gzip;q=0.5", "GZIP ; Q=1.0", "deflate,gzip"} {
		w := get(f, "GET", "/socket.io/"+Main, "Accept-Encoding", accept)
		reader, err := gzip.NewReader(w.Body)
		if err != nil || w.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %v %v", accept, w.Header(), err)
		}
		if text, err := io.ReadAll(reader); string(text) != Main || err != nil {
			t.Errorf("%s: %q %v", accept, text, err)
		}
		tag := w.Header().Get("ETag")
		if tag == plain.Header().Get("ETag") {
			t.Errorf("%s: one tag for two encodings", accept)
		}
		if w := get(f, "GET", "/socket.io/"+Main, "Accept-Encoding", accept, "If-None-Match", tag); w.Code != 304 {
			t.Errorf("%s: %d", accept, w.Code)
		}
	}
	for _, accept := range []string{"", "br", "gzip;q=0", "gzip; q=0.000", "identity", "xgzip"} {
		w := get(f, "GET", "/socket.io/"+Main, "Accept-Encoding", accept)
		if w.Header().Get("Content-Encoding") != "" || !bytes.Equal(w.Body.Bytes(), []byte(Main)) ||
			w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", accept, w.Header())
		}
	}
}

// A file is served as it is now: replaced, changed, removed, or in a folder that was replaced.
func TestReplacedFiles(t *testing.T) {
	t.Parallel()
	folder := dist(t, Main)
	f := open(t, folder)
	check := func(what string, status int, body string) {
		t.Helper()
		w := get(f, "GET", "/socket.io/"+Main)
		if w.Code != status || body != "" && w.Body.String() != body {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
	check("at first", 200, Main)
	first := get(f, "GET", "/socket.io/"+Main).Header().Get("ETag")
	write(t, filepath.Join(folder, "new"), "SOCKET.IO.JS") // as long as the old one
	if err := os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, Main)); err != nil {
		t.Fatal(err)
	}
	check("replaced", 200, "SOCKET.IO.JS")
	if w := get(f, "GET", "/socket.io/"+Main, "If-None-Match", first); w.Code != 200 {
		t.Errorf("the old tag: %d", w.Code)
	}
	if err := os.Remove(filepath.Join(folder, Main)); err != nil {
		t.Fatal(err)
	}
	check("removed", 404, "")
	if err := os.Mkdir(filepath.Join(folder, Main), 0o700); err != nil {
		t.Fatal(err)
	}
	check("a folder", 500, "")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	check("without the folder", 404, "")
	if err := os.Rename(dist(t, Main), folder); err != nil {
		t.Fatal(err)
	}
	check("another folder", 200, Main)
}

func TestLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret")
	folder := dist(t, Main, "real.js")
	for name, to := range map[string]string{
		"socket.io.min.js": secret, "socket.io.js.map": "../../../../../../etc/passwd",
		"socket.io.esm.min.js": "real.js",
	} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "dist")
	if err := os.Symlink(folder, outside); err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(t.TempDir(), "socket.io.min.js")
	if err := os.Symlink(filepath.Join(folder, Main), single); err != nil {
		t.Fatal(err)
	}
	f := open(t, outside)
	for _, name := range []string{"socket.io.min.js", "socket.io.js.map"} {
		if w := get(f, "GET", "/socket.io/"+name); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := get(f, "GET", "/socket.io/socket.io.esm.min.js"); w.Body.String() != "real.js" {
		t.Errorf("a link inside: %d %s", w.Code, w.Body)
	}
	if w := get(open(t, single), "GET", "/socket.io/socket.io.min.js"); w.Body.String() != Main {
		t.Errorf("a linked file: %d %s", w.Code, w.Body)
	}
}

func TestSingleFile(t *testing.T) {
	t.Parallel()
	f := open(t, filepath.Join(dist(t, "socket.io.min.js", "socket.io.msgpack.min.js"), "socket.io.min.js"))
	for name, status := range map[string]int{
		Main: 200, "socket.io.min.js": 200, "socket.io.msgpack.min.js": 404, "socket.io.js.map": 404,
	} {
		if w := get(f, "GET", "/socket.io/"+name); w.Code != status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	// A file of any other name is served as socket.io.js only.
	f = open(t, filepath.Join(dist(t, "client.js"), "client.js"))
	if w := get(f, "GET", "/socket.io/"+Main); w.Body.String() != "client.js" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(f, "GET", "/socket.io/client.js"); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	const base = "https://cdn.example.com/socket.io-client@4.8.4/dist"
	for _, source := range []string{base, base + "/"} {
		f := open(t, source)
		for _, name := range Names {
			w := get(f, "GET", "/socket.io/"+name)
			if w.Code != 302 || w.Header().Get("Location") != base+"/"+name {
				t.Errorf("%s: %d %v", name, w.Code, w.Header())
			}
		}
		if w := get(f, "GET", "/socket.io//evil.example"); w.Code != 404 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
	f := open(t, base+"/socket.io.min.js")
	for name, status := range map[string]int{Main: 302, "socket.io.min.js": 302, "socket.io.js.map": 404} {
		w := get(f, "GET", "/socket.io/"+name)
		if to := w.Header().Get("Location"); w.Code != status || to != "" && to != base+"/socket.io.min.js" {
			t.Errorf("%s: %d %s", name, w.Code, to)
		}
	}
}

func TestNoSource(t *testing.T) {
	t.Parallel()
	f := open(t, "")
	w := get(f, "GET", "/socket.io/"+Main)
	if w.Code != 404 || !strings.Contains(w.Body.String(), "SOCKETIO_CLIENT") || f.Exists() {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestInvalidSources(t *testing.T) {
	t.Parallel()
	empty, large := dist(t, "socket.io.min.js"), dist(t, Main)
	if err := os.Truncate(filepath.Join(large, Main), maxFile+1); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		empty:                         "has no socket.io.js, expected the folder dist",
		filepath.Join(empty, "none"):  "none",
		large:                         "larger than 4194304 bytes",
		"https://":                    "as in https://cdn",
		"https://a:b@cdn.example.com": "no user",
		"https://cdn.example.com/?x":  "no user, query",
		"https://cdn.example.com/#x":  "fragment",
		"https://cdn.example.com/%zz": "as in https://cdn",
	} {
		if _, err := Open(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}
