//go:build unix

package main

import (
	"maps"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/chaos"
)

// P02: the process is killed again and again while a publisher goes on and clients of every
// transport read. What was acknowledged reaches each of them once and in order, without a gap.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	each, kills := 5, 3
	if servertest.Soaking() {
		each, kills = 50, 50
	}
	settings := maps.Clone(faultSettings())
	settings["DATA_DIR"] = t.TempDir()
	p := startChild(t, 1000, settings)
	proxy := chaos.New(t, p.address(), 7)
	c := newCrowd(t, proxy.Addr, each, 20*time.Millisecond)
	publisher := c.publisher(proxy.Addr, 3, 5*time.Millisecond)
	publisher.Run(t)
	random := rand.New(rand.NewPCG(1, 2))
	for n := range kills {
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		p.kill(t)
		p = startChild(t, 1000, settings)
		proxy.Target(p.address())
		c.awaitConnects(n + 2)
	}
	publisher.Stop()
	c.verify()
}

// A failed write ends the process with one line and the exit code 74. The next process has what was
// acknowledged.
func TestFailedWrite(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_KEYS": testKey, "DATA_DIR": t.TempDir()}
	p := startChild(t, 1000, settings, "sh", "-c", `ulimit -f 300 && exec "$0" "$@"`)
	large := `{"target":{"all":true},"type":"hello","data":"` + strings.Repeat("x", 5000) + `"}`
	for range 10 { // a part of the room, so that fewer small ones reach its end
		if status, text, err := p.post(testKey, large); status != 200 {
			t.Fatalf("%d %s %v", status, text, err)
		}
	}
	last := ""
	servertest.Eventually(t, "the process ends", func() bool {
		status, text := p.tryPublish()
		if status == 200 {
			last = idIn.FindStringSubmatch(text)[1]
		}
		return status == 0
	})
	err := p.cmd.Wait()
	exit, ok := err.(*exec.ExitError)
	if !ok || exit.ExitCode() != exitIO {
		t.Errorf("the process ended with %v", err)
	}
	if n := strings.Count(p.out.String(), "a write to the data directory failed"); n != 1 {
		t.Errorf("%d lines say why:\n%s", n, p.out)
	}
	p = startChild(t, 1000, settings)
	_, text := p.publish(testKey)
	next, err := notify.ParseID(idIn.FindStringSubmatch(text)[1])
	former, _ := notify.ParseID(last)
	if err != nil || next.Epoch != former.Epoch || next.Seq <= former.Seq {
		t.Errorf("after %s the next id is %s", last, next)
	}
}

var idIn = regexp.MustCompile(`"id":"([^"]+)"`)
