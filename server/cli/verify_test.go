package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/verify"
)

// A healthy server: plain lines, the counts, and exit code 0. The key comes from a file.
func TestVerify(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(testKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, env{}, "", "verify", n.url(), "--key-file", file, "--idle=0")
	for _, want := range []string{
		"ok       key          the server accepts the key\n", "\neventsource         30       30      0",
		"\n" + n.url() + ": no faults\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	if r.code != ExitOK || r.notes != "" || strings.Contains(r.out, testKey) ||
		strings.Contains(r.out, "\x1b") {
		t.Errorf("%+v", r)
	}
	r = run(t, env{"ROOMCAST_URL": n.url(), "ROOMCAST_API_KEY": testKey}, "",
		"verify", "--idle=0", "--json")
	var report verify.Report
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.code != ExitOK || !report.OK ||
		!report.Complete || report.URL != n.url() || len(report.Counts) != 3 ||
		report.Counts[0].Received != 30 {
		t.Errorf("%v %+v", err, r)
	}
}

// A fault has exit code 1, and the line for each proxy.
func TestVerifyFindsAFault(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	transport := &http.Transport{DisableKeepAlives: true}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: n.address})
	proxy.Transport, proxy.ErrorLog = transport, log.New(io.Discard, "", 0)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 64<<10 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		r.Header.Del("X-Forwarded-For")
		proxy.ServeHTTP(w, r)
	}))
	defer s.Close()
	r := run(t, env{}, "", "verify", s.URL, "--idle=0")
	for _, want := range []string{
		"FAULT    sizes        body: a request with a body of 200 KiB was answered 413",
		"\nLarge bodies are refused [body]\n  Seen: ", "\n    nginx    client_max_body_size 1m;\n",
		"\n    HAProxy  ", "\n  More: docs/clients.md#behind-a-proxy\n", ": 1 fault\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	if r.code != ExitFailed || r.notes != "roomcast: faults were found\n" {
		t.Errorf("%+v", r)
	}
}

// What makes the checks impossible has exit code 2.
func TestVerifyCannotRun(t *testing.T) {
	n := start(t, "127.0.0.1:0", auth.Options{Mode: auth.ModeOpen})
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := strings.Repeat("k", 40)
	for want, args := range map[string][]string{
		"no answer from http://127.0.0.1:1":      {"http://127.0.0.1:1"},
		"URL: allowed: a URL":                    {"ftp://x"},
		"URL: allowed: a URL such":               {"https://u:secret@x"},
		"--key-file: open":                       {n.url(), "--key-file", empty + "x"},
		"--key-file: expected one line":          {n.url(), "--key-file", empty},
		"the server refuses the API key":         {n.url(), "--key", wrong},
		"--key has a line end":                   {n.url(), "--key", wrong + "\r"},
		"--token has a line end":                 {n.url(), "--token", wrong + "\n"},
		"the origin must be a scheme and a host": {n.url(), "--origin", "app.example"},
	} {
		r := run(t, env{}, "", append([]string{"verify"}, args...)...)
		if r.code != ExitUsage || !strings.Contains(r.notes, want) || strings.Contains(r.notes, wrong) ||
			strings.Contains(r.notes, "secret") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// On a terminal the check that runs is the last line, and each result replaces it.
func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgressFor(&out, true, true)
	p.begin("path")
	p.done(verify.Result{Check: "path", State: verify.OK, Detail: "passes \x1b[2J"})
	p.begin("body")
	p.done(verify.Result{Check: "body", State: verify.Fault, Fault: "body", Detail: "413"})
	p.end()
	for _, want := range []string{
		" path 0s", "\r\x1b[K\x1b[32m✓\x1b[0m path         passes \\u001b[2J\n",
		"\r\x1b[K\x1b[31m✗\x1b[0m body         body: 413\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, &out)
		}
	}
	if !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("%q", &out)
	}
}
