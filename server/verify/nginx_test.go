package verify

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

const upgradeLines = "    proxy_set_header Upgrade $http_upgrade;\n" +
	"    proxy_set_header Connection $connection_upgrade;\n"

// nginxes are the configuration of docs/clients.md with one change each, and the faults.
var nginxes = map[string]struct {
	replace, by string
	want        []string
	change      func(*Options)
}{
	"right": {change: func(o *Options) { o.Idle = 100 * time.Millisecond }},
	// With HTTP/1.1 nginx passes each chunk on, also with proxy_buffering on; HTTP/1.0, its default,
	// has no chunks, and is held until a buffer of 4 KiB is full.
	"proxy_buffering on": {replace: "listen 8080;", by: "listen 8080;\n" + bufferedStreams,
		want: []string{"buffering"}, change: func(o *Options) { o.Patience = time.Second }},
	"without upgrade": {replace: upgradeLines, by: `    proxy_set_header Connection "";`,
		want: []string{"upgrade"}},
	"HTTP/1.0": {replace: "proxy_http_version 1.1;", want: []string{"http10", "upgrade"}},
	"gzip": {replace: "proxy_buffering off;",
		by: "proxy_buffering off;\n    gzip on;\n    gzip_proxied any;\n    gzip_min_length 0;\n" +
			"    gzip_types text/event-stream;", want: []string{"compression"}},
	"client_max_body_size": {replace: "proxy_buffering off;",
		by: "proxy_buffering off;\n    client_max_body_size 64k;", want: []string{"body"}},
	"Host": {replace: "proxy_set_header Host $http_host;", by: "", want: []string{"host"}},
	"X-Forwarded-For": {replace: "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
		by: "proxy_set_header X-Forwarded-For 127.0.0.9;", change: func(o *Options) { o.Idle = 0 }},
}

// TestNginx runs the configuration of docs/clients.md, in which nothing is wrong, and the same with
// one mistake each.
func TestNginx(t *testing.T) {
	t.Parallel()
	program := servertest.Service(t, "nginx")
	for name, c := range nginxes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			block := nginxBlock(t)
			if !strings.Contains(block, c.replace) {
				t.Fatalf("the page has no %s", c.replace)
			}
			if c.replace != "" {
				block = strings.Replace(block, c.replace, c.by, 1)
			}
			server := startServer(t)
			address := servertest.StartProxy(t, func(address string) *exec.Cmd {
				return servertest.Nginx(t, program, block, "listen 8080;", "listen "+address+";",
					"127.0.0.1:3000", server)
			})
			o := testOptions(address)
			if c.change != nil {
				c.change(&o)
			}
			check(t, o, c.want...)
		})
	}
}

const bufferedStreams = `
  location /sse {
    proxy_pass http://roomcast;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_buffering on;
    proxy_ignore_headers X-Accel-Buffering;
  }
`

// nginxBlock returns the configuration of docs/clients.md.
func nginxBlock(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```nginx\n")
	block, _, _ = strings.Cut(block, "```")
	return block
}
