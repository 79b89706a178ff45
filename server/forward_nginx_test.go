package server

import (
	"fmt"
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
	program := servertest.Service(t, "nginx")
	c := newNodeCluster(t, nil)
	page, err := os.ReadFile(filepath.Join("..", "docs", "cluster.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```nginx\n")
	block, _, _ = strings.Cut(block, "```")
	base := servertest.StartProxy(t, func(address string) *exec.Cmd {
		changes := []string{"listen 8080;", "listen " + address + ";"}
		for i, n := range c.nodes {
			changes = append(changes, fmt.Sprintf("10.0.0.%d:3000", 5+i), n.Base)
		}
		return servertest.Nginx(t, program, block, changes...)
	})
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
