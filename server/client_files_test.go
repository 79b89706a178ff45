package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/clientfiles"
	"github.com/roomcast/roomcast/server/servertest"
)

// The files of socket.io-client are below both paths, with any query, over HTTP/1.1 and HTTP/2, for
// pages of allowed origins. Without them the answer says so, or the application behind the server
// answers.
func TestClientFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, clientfiles.Main), []byte("script"), 0o600); err != nil {
		t.Fatal(err)
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "of the application")
	}))
	t.Cleanup(app.Close)
	origin, _ := url.Parse(app.URL)
	for _, tt := range []struct {
		name, source string
		upstream     *url.URL
		status       int
		body         string
	}{
		{"a folder", folder, nil, 200, "script"},
		{"a folder, and an application", folder, origin, 200, "script"},
		{"none", "", nil, 404, "SOCKETIO_CLIENT"},
		{"none, and an application", "", origin, 200, "of the application"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, err := clientfiles.Open(tt.source)
			if err != nil {
				t.Fatal(err)
			}
			s := newServiceStack(t, nil, func(o *Options) {
				o.SocketIOPaths = []string{"/socket.io", "/api/socket.io"}
				o.ClientFiles, o.Upstream = files, tt.upstream
			})
			secure := httptest.NewUnstartedServer(s.service.Handler())
			secure.EnableHTTP2 = true
			secure.StartTLS()
			defer secure.Close()
			for _, base := range []string{"http://" + s.Base, secure.URL} {
				for _, path := range []string{"/socket.io/socket.io.js", "/api/socket.io/socket.io.js?t=Oxyz"} {
					res, err := secure.Client().Get(base + path)
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(res.Body)
					res.Body.Close()
					if err != nil || res.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
						t.Errorf("%s%s: %s %d %s", base, path, res.Proto, res.StatusCode, body)
					}
				}
			}
		})
	}
}

// A module is loaded with CORS, so its page must be of an allowed origin.
func TestClientFilesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, clientfiles.Main), []byte("script"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := clientfiles.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	s := newServiceStack(t, nil, func(o *Options) {
		o.ClientFiles = files
		o.AllowOrigin = func(origin string, _ *http.Request) bool { return origin == "https://app.example" }
	})
	for page, status := range map[string]int{"https://app.example": 200, "https://other.example": 403, "": 200} {
		r, _ := http.NewRequest("GET", "http://"+s.Base+"/socket.io/socket.io.js", nil)
		if page != "" {
			r.Header.Set("Origin", page)
		}
		res, err := servertest.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		allowed := res.Header.Get("Access-Control-Allow-Origin")
		if res.StatusCode != status || status == 200 && allowed != page {
			t.Errorf("%q: %d, allowed %q", page, res.StatusCode, allowed)
		}
	}
}
