package server

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// TestNginxOfThePage runs the configuration of docs/cluster.md with other addresses.
func TestNginxOfThePage(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; !exists(program) {
			t.Skip("nginx is not installed")
		}
	}
	c := newNodeCluster(t, nil)
	page, err := os.ReadFile(filepath.Join("..", "docs", "cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```nginx\n")
	block, _, _ = strings.Cut(block, "```")
	base := ""
	for attempt := 0; base == ""; attempt++ {
		if attempt == 10 {
			t.Fatal("nginx does not listen")
		}
		base = startNginx(t, program, block, c)
	}
	behind := &servertest.Stack{T: t, Base: base}
	for i := range 3 {
		p := behind.Poll()
		owner := c.owner(sidOf(t, p))
		p.Post(fmt.Sprintf(`40{"userId":"u%d"}`, i))
		for !strings.Contains(p.Get(), `"connected"`) {
		}
		for range 3 {
			owner.Publish(fmt.Sprintf(`{"target":{"user":"u%d"},"type":"n","data":1}`, i))
			if got := p.Get(); !strings.HasPrefix(got, `42["n",`) {
				t.Fatalf("got %s", got)
			}
		}
		p.Upgrade().Sync()
	}
}

// startNginx returns the address at which nginx listens, or "" if it has ended: another program may
// have the port.
func startNginx(t *testing.T, program, block string, c *nodeCluster) (address string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384)) // below the ports of clients
	changes := []string{"listen 8080;", "listen " + address + ";"}
	for i, n := range c.nodes {
		changes = append(changes, fmt.Sprintf("10.0.0.%d:3000", 5+i), n.Base)
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(block, changes[i]) {
			t.Fatalf("the page has no %s", changes[i])
		}
	}
	return runNginx(t, program, strings.NewReplacer(changes...).Replace(block), address)
}

// runNginx is startNginx for the contents of the block http, which listen on address.
func runNginx(t *testing.T, program, block, address string) string {
	t.Helper()
	dir := t.TempDir()
	config := "daemon off; master_process off; pid " + dir + "/pid; error_log stderr;\n" +
		"events {}\nhttp {\naccess_log off;\n"
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += name + "_temp_path " + dir + "/" + name + ";\n"
	}
	config += block + "}\n"
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return runProxy(t, exec.Command(program, "-p", dir, "-c", file), address)
}

// runProxy returns the address when the command listens there, and "" when it has ended.
func runProxy(t *testing.T, cmd *exec.Cmd, address string) string {
	t.Helper()
	output := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Log(output)
		}
	})
	servertest.Eventually(t, "the proxy listens or ends", func() bool {
		select {
		case <-ended:
			address = ""
			return true
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
