package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/client"
)

// network is a network namespace with one link to this one, in which a server runs. Its rules for
// packets concern that server only.
type network struct {
	t         *testing.T
	name      string
	near, far string // addresses of the two ends
}

// newNetwork creates a namespace, which goes with all its parts when the test ends. It skips the
// test if the machine does not allow that, and in the short form.
func newNetwork(t *testing.T) *network {
	t.Helper()
	if !servertest.Soaking() {
		t.Skip("runs in make soak only, for minutes")
	}
	id := 1 + rand.IntN(60_000)
	subnet := fmt.Sprintf("10.%d.%d.", 200+id>>12, id>>4&0xff)
	n := &network{t: t, name: fmt.Sprintf("roomcast-%d", id)}
	n.near, n.far = subnet+fmt.Sprint(id&15*16+1), subnet+fmt.Sprint(id&15*16+2)
	if err := n.command("ip", "netns", "add", n.name).Run(); err != nil {
		t.Skipf("this machine allows no network namespaces (ip netns add: %v)", err)
	}
	t.Cleanup(func() { _ = n.command("ip", "netns", "del", n.name).Run() })
	link := fmt.Sprintf("rc%d", id)
	for _, line := range []string{
		"ip link add " + link + " type veth peer name eth0 netns " + n.name,
		"ip addr add " + n.near + "/28 dev " + link, "ip link set " + link + " up",
		"ip -n " + n.name + " addr add " + n.far + "/28 dev eth0",
		"ip -n " + n.name + " link set eth0 up", "ip -n " + n.name + " link set lo up",
	} {
		words := strings.Fields(line)
		if out, err := n.command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("this machine allows no link to a namespace: %s: %v, %s", line, err, out)
		}
	}
	n.rule("-L")
	return n
}

func (n *network) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	return cmd
}

// rule calls iptables in the namespace.
func (n *network) rule(args ...string) {
	n.t.Helper()
	all := append([]string{"netns", "exec", n.name, "iptables", "-w"}, args...)
	if out, err := n.command("ip", all...).CombinedOutput(); err != nil {
		n.t.Skipf("this machine allows no iptables in a namespace: %v, %s", err, out)
	}
}

// serve runs the program in the namespace.
func (n *network) serve(settings map[string]string) *child {
	n.t.Helper()
	settings["HOST"], settings["AUTH_MODE"], settings["LOG_LEVEL"] = n.far, "open", "debug"
	return startChild(n.t, 1000, settings, "ip", "netns", "exec", n.name)
}

// N03: the network drops all packets without a sign. The server drops the connections of both
// transports within 45 s, and when the network is back the clients resume without a loss.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	p := n.serve(faultSettings())
	c := newCrowd(t, p.address(), 20, 100*time.Millisecond)
	publisher := c.publisher(p.address(), 10, 0)
	publisher.Publish()
	c.Verify(t)

	start := time.Now()
	n.rule("-A", "INPUT", "-i", "eth0", "-j", "DROP")
	n.rule("-A", "OUTPUT", "-o", "eth0", "-j", "DROP")
	for _, transport := range []string{"sse", "websocket"} {
		gone := regexp.MustCompile(`"msg":"disconnected"[^\n]*"transport":"` + transport + `"`)
		for len(gone.FindAllString(p.out.String(), -1)) < 20 {
			if time.Since(start) > servertest.Patience {
				t.Fatalf("%s: only %d of 20 connections were dropped after %v", transport,
					len(gone.FindAllString(p.out.String(), -1)), time.Since(start))
			}
			time.Sleep(100 * time.Millisecond)
		}
		took := time.Since(start)
		t.Logf("%s: all connections were dropped after %v", transport, took)
		if took > 45*time.Second {
			t.Errorf("want 45 s")
		}
	}
	n.rule("-F")
	c.awaitConnects(2)
	publisher.Publish()
	c.verify()
}

// N08: the network loses every tenth packet in each direction. Everything arrives, only later.
func TestPacketLoss(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	p := n.serve(faultSettings())
	c := newCrowd(t, p.address(), 50, 100*time.Millisecond)
	for _, chain := range []string{"INPUT", "OUTPUT"} {
		n.rule("-A", chain, "-p", "tcp", "-m", "statistic", "--mode", "random",
			"--probability", "0.1", "-j", "DROP")
	}
	stop := client.PublishElsewhere(t, client.PublisherOptions{Base: p.address(), Key: testKey, Name: "m",
		Channel: crowdChannel, Batch: 2, Every: 20 * time.Millisecond}, c.Book)
	time.Sleep(30 * time.Second)
	t.Logf("p99 of publishes %v", stop())
	c.verify()
	n.rule("-F")
}
