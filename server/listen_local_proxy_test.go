//go:build unix

package server

import (
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// nginx and Caddy reach a server on a unix socket by the lines of docs/listeners.md, with the rest of
// docs/clients.md around those of nginx. Streams and websockets pass, and the server knows the
// address of the client.
func TestProxiesOfAUnixSocket(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]func(t *testing.T, program, socket, address string) *exec.Cmd{
		"nginx": nginxOfThePage, "caddy": caddyOfThePage,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := servertest.Service(t, name)
			var client atomic.Value
			var o Options
			socket, _ := unixServer(t, func(parts *Options) {
				parts.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
				parts.AllowOrigin = func(_ string, r *http.Request) bool {
					client.Store(StreamAddress(r).String() + r.Header.Get("X-Forwarded-For"))
					return true
				}
				parts.APIKeys = []string{servertest.Key}
				o = *parts
			})
			base := servertest.StartProxy(t, func(address string) *exec.Cmd {
				return command(t, program, socket, address)
			})
			stack := &servertest.Stack{T: t, Hub: o.Hub, Base: base}
			socketOf, _ := stack.Connect(`{"userId":"u1"}`)
			polling := stack.Poll()
			polling.Post(`40{"userId":"u1"}`)
			for !strings.Contains(polling.Get(), `"connected"`) {
			}
			stack.Publish(`{"target":{"user":"u1"},"type":"n","data":1}`)
			socketOf.Event("n", nil)
			if got := polling.Get(); !strings.HasPrefix(got, `42["n",`) {
				t.Errorf("polling got %s", got)
			}
			r, err := http.NewRequest("GET", "http://"+base+"/sse/position", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", "http://other.example")
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if got := client.Load(); got != "127.0.0.1127.0.0.1" {
				t.Errorf("the address of the client and X-Forwarded-For are %v", got)
			}
		})
	}
}

// blocksOf returns the blocks of a language in a page.
func blocksOf(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, part := range strings.Split(string(text), "```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		all = append(all, block)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no block of %s", page, language)
	}
	return all
}

const socketOfThePage = "/run/roomcast/roomcast.sock"

func nginxOfThePage(t *testing.T, program, socket, address string) *exec.Cmd {
	t.Helper()
	upstream := blocksOf(t, "listeners.md", "nginx")[0]
	whole := blocksOf(t, "clients.md", "nginx")[0]
	before, rest, _ := strings.Cut(whole, "upstream roomcast {")
	_, after, found := strings.Cut(rest, "}\n")
	if !found || !strings.Contains(upstream, "unix:"+socketOfThePage+";") {
		t.Fatal("the pages have other lines")
	}
	upstream = strings.Replace(upstream, socketOfThePage, socket, 1)
	return servertest.Nginx(t, program, before+upstream+after, "listen 8080;", "listen "+address+";")
}

func caddyOfThePage(t *testing.T, program, socket, address string) *exec.Cmd {
	t.Helper()
	block := blocksOf(t, "listeners.md", "caddyfile")[0]
	if !strings.Contains(block, "unix/"+socketOfThePage) || !strings.Contains(block, "127.0.0.1:8080") {
		t.Fatal("the page has other lines")
	}
	block = strings.NewReplacer(socketOfThePage, socket, "127.0.0.1:8080", address).Replace(block)
	dir := t.TempDir()
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte("{\n  admin off\n}\n"+block), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run", "--config", file, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd
}
