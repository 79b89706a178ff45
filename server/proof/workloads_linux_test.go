package proof

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
)

// result has the figures of a workload.
type result struct {
	Workload     string  `json:"workload"`
	Clients      int     `json:"clients"`
	NodeClients  int     `json:"nodeClients"`
	Seconds      float64 `json:"seconds"`
	Acknowledged int     `json:"acknowledged"`
	InDoubt      int     `json:"inDoubt"`
	Refused      int     `json:"refused"`
	Deliveries   int     `json:"deliveries"`
	Lost         int     `json:"lost"`
	Repeated     int     `json:"repeated"`
	OutOfOrder   int     `json:"outOfOrder"`
	Gaps         int     `json:"gaps"`
	Delivered    float64 `json:"deliveredPercent"`
	Reconnects   int     `json:"reconnects"`
	Recovered    float64 `json:"recoveredPercent"` // of the reconnects of Socket.IO clients
	P50          float64 `json:"p50Seconds"`       // from the publish to the delivery, absences included
	P99          float64 `json:"p99Seconds"`
	Max          float64 `json:"maxSeconds"`
	// Back has, for each restart, the seconds from the start of the next process until all clients
	// are back.
	Back []float64 `json:"backSeconds,omitempty"`
	// Histogram has the deliveries by their time: up to 10 ms, 100 ms, 0.5 s, 1 s, 2 s, 3 s, 4 s,
	// 5 s, 7 s, 10 s, and above.
	Histogram []int `json:"histogram,omitempty"`
	// Healthy is the time from the first free byte until a publish was accepted.
	Healthy float64 `json:"healthySeconds,omitempty"`
	// Memory has MB of the process and KB per client.
	Memory map[string]float64 `json:"memory,omitempty"`
}

var bounds = []float64{0.01, 0.1, 0.5, 1, 2, 3, 4, 5, 7, 10}

// figures ends a workload: it checks the book and fills in what all workloads have.
func (c *crowd) figures(t testing.TB, name string, start time.Time) result {
	report := c.book.Verify(t)
	t.Logf("%s: %v", name, report)
	r := result{Workload: name, Clients: c.size(), Seconds: seconds(time.Since(start)),
		Acknowledged: report.Acked, InDoubt: report.Doubtful, Refused: report.Refused,
		Deliveries: report.Seen, Gaps: report.Gaps, Lost: report.Of(oracle.Lost),
		Repeated: report.Of(oracle.Double), OutOfOrder: report.Of(oracle.Disorder)}
	r.Delivered = 100 * float64(r.Deliveries) / float64(max(1, r.Deliveries+r.Lost))
	recovered, sockets := 0, 0
	for i, one := range c.own {
		again := max(0, one.Connects()-1)
		r.Reconnects += again
		if transportOf(i) != client.EventSource {
			sockets += again
			recovered += one.Recovered()
		}
	}
	if c.node != nil {
		c.node.mu.Lock()
		r.NodeClients = len(c.node.connects)
		for _, n := range c.node.connects {
			r.Reconnects += max(0, n-1)
		}
		sockets, recovered = sockets+c.node.again, recovered+c.node.recovered
		c.node.mu.Unlock()
	}
	r.Recovered = 100 * float64(recovered) / float64(max(1, sockets))
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	times := c.book.taken
	slices.Sort(times)
	if n := len(times); n > 0 {
		r.P50, r.P99, r.Max = seconds(times[n/2]), seconds(times[n*99/100]), seconds(times[n-1])
	}
	r.Histogram = make([]int, len(bounds)+1)
	for _, d := range times {
		i, _ := slices.BinarySearch(bounds, d.Seconds())
		r.Histogram[i]++
	}
	return r
}

// jitter: each client is cut every 15 s for 2 s while two messages per second are broadcast; with
// kills, the process is killed that often meanwhile.
func (p *proof) jitter(t *testing.T, name string, kills int) result {
	s := start(t, p.binary, t.TempDir())
	c := newCrowd(t, p.clients, 15*time.Second, 2*time.Second, &s.address)
	flapping := s.proxy()
	startNode(t, c, p.nodes, flapping.Addr)
	c.await(t, 1)
	flapping.Flap(10*time.Second, 20*time.Second)
	begin := time.Now()
	publisher := s.publisher(c, "m", 500*time.Millisecond, 200)
	publisher.Run(t)
	var back []float64
	for range kills {
		time.Sleep(p.lasts / time.Duration(kills+1))
		before := c.connects()
		s.running.Stop() // SIGKILL
		s.again()
		back = append(back, c.back(t, before, time.Now()))
	}
	if left := p.lasts - time.Since(begin); left > 0 {
		time.Sleep(left)
	}
	c.calm()
	flapping.Flap(0, 0)
	publisher.Stop()
	r := c.figures(t, name, begin)
	r.Back = back
	return r
}

// avalanche: the server is redeployed under all clients, by SIGTERM, while messages are broadcast.
func (p *proof) avalanche(t *testing.T) result {
	s := start(t, p.binary, t.TempDir(), "DRAIN_TIMEOUT=5s")
	c := newCrowd(t, p.clients, 0, 0, &s.address)
	startNode(t, c, p.nodes, s.proxy().Addr)
	c.await(t, 1)
	begin := time.Now()
	publisher := s.publisher(c, "m", 500*time.Millisecond, 200)
	publisher.Run(t)
	var back []float64
	for range 2 {
		time.Sleep(5 * time.Second)
		before := c.connects()
		s.terminate()
		s.again()
		back = append(back, c.back(t, before, time.Now()))
	}
	time.Sleep(2 * time.Second)
	publisher.Stop()
	r := c.figures(t, "avalanche", begin)
	r.Back = back
	return r
}

// connects returns the connects of every client so far.
func (c *crowd) connects() (counts []int) {
	for _, one := range c.own {
		counts = append(counts, one.Connects())
	}
	if c.node != nil {
		c.node.mu.Lock()
		defer c.node.mu.Unlock()
		counts = append(counts, c.node.connects...)
	}
	return counts
}

// back waits until every client has connected since before, and returns the seconds since start.
func (c *crowd) back(t testing.TB, before []int, start time.Time) float64 {
	t.Helper()
	for deadline := start.Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		missing := 0
		for i, n := range c.connects() {
			if n <= before[i] {
				missing++
			}
		}
		if missing == 0 {
			return seconds(time.Since(start))
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d clients do not come back", missing)
		}
	}
}

// idle: the memory of the process with clients that get nothing, without and with DATA_DIR.
func (p *proof) idle(t *testing.T) result {
	r := result{Workload: "idle", Memory: map[string]float64{}}
	begin := time.Now()
	for name, directory := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s := start(t, p.binary, directory)
			time.Sleep(2 * time.Second)
			empty := s.resident()
			c := newCrowd(t, p.clients, 0, 0, &s.address)
			c.await(t, 1)
			time.Sleep(10 * time.Second)
			full := s.resident()
			r.Clients = c.size()
			r.Memory[name+"EmptyMB"], r.Memory[name+"MB"] = round(empty), round(full)
			r.Memory[name+"KBPerClient"] = round((full - empty) * 1024 / float64(c.size()))
		})
	}
	r.Seconds = seconds(time.Since(begin))
	return r
}

func round(f float64) float64 { return float64(int(f*10+0.5)) / 10 }

// full: the file system of DATA_DIR, a small one in memory, fills during publishes and has room
// later. The server runs in a mount namespace of its own.
func (p *proof) full(t *testing.T) result {
	unshare := []string{"unshare", "--mount"}
	if os.Getuid() != 0 {
		unshare = []string{"unshare", "--user", "--map-root-user", "--mount"}
	}
	if err := exec.Command(unshare[0], append(unshare[1:], "true")...).Run(); err != nil {
		t.Skipf("this machine allows no mount namespace: %v", err)
	}
	directory := t.TempDir()
	script := fmt.Sprintf(`mount -t tmpfs -o size=160m none %s && exec "$0"`, directory)
	s := start(t, p.binary, directory)
	s.running.Stop()
	s.command.Args = append(unshare, "sh", "-c", script, p.binary)
	s.again()
	c := newCrowd(t, p.clients/4, 0, 0, &s.address)
	c.await(t, 1)
	begin := time.Now()
	publisher := s.publisher(c, "m", 20*time.Millisecond, 1000)
	publisher.Run(t)
	time.Sleep(3 * time.Second)
	ballast := fmt.Sprintf("/proc/%d/root%s/ballast", s.running.Pid(), directory)
	check(t, os.WriteFile(ballast, make([]byte, 110<<20), 0o600))
	time.Sleep(5 * time.Second)
	during := c.book.Check()
	check(t, os.Remove(ballast))
	free := time.Now()
	for c.book.Check().Acked == during.Acked {
		if time.Since(free) > time.Minute {
			t.Fatal("no publish is accepted after the disk has room again")
		}
		time.Sleep(10 * time.Millisecond)
	}
	healthy := time.Since(free)
	time.Sleep(2 * time.Second)
	publisher.Stop()
	r := c.figures(t, "disk full", begin)
	r.Healthy = seconds(healthy)
	if r.Refused == 0 || r.Reconnects > 0 {
		t.Errorf("%d publishes refused, %d reconnects: want refusals and no reconnect", r.Refused,
			r.Reconnects)
	}
	return r
}
