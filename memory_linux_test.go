package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// storm is a size of TestMemoryStorm.
type storm struct {
	cgroup    int64  // bytes
	limit     string // GOMEMLIMIT
	history   string // HISTORY_MAX_BYTES: more than the limit, so that the memory must become short
	readers   int    // of both transports together, which read nothing
	publishes time.Duration
}

// A storm of publishes to clients that read nothing, in a memory cgroup: the server refuses
// publishes and cuts clients, the kernel does not kill it, and after the storm it delivers again.
func TestMemoryStorm(t *testing.T) {
	t.Parallel()
	// The race detector takes some times more memory, of which the runtime does not know.
	size, runs := storm{512 << 20, "32MiB", "64MiB", 50, time.Second}, 1
	if servertest.Soaking() {
		size, runs = storm{200_000_000, "160MiB", "256MiB", 5000, 30 * time.Second}, 3
	}
	for i := range runs {
		memoryStorm(t, i, size)
	}
}

func memoryStorm(t *testing.T, run int, size storm) {
	group := newCgroup(t, run, size.cgroup)
	enter := `echo $$ > "$0" && exec "$@"`
	p := startChild(t, 12_000, map[string]string{"API_KEYS": testKey, "GOMEMLIMIT": size.limit,
		"MAX_CONNECTIONS": "8000", "HISTORY_MAX_BYTES": size.history, "PUBLISH_RATE": "0",
		"HANDSHAKE_RATE": "0"},
		"sh", "-c", enter, filepath.Join(group, "cgroup.procs"))
	address := strings.TrimPrefix(p.base, "http://")
	deaf := openDeaf(t, address, size.readers)

	if deaf < size.readers*9/10 {
		t.Fatalf("run %d: %d of %d clients were accepted", run, deaf, size.readers)
	}
	statuses := publishStorm(p, size.publishes)
	t.Logf("run %d: %d readers, publishes by status %v, the largest memory of the cgroup %d MB",
		run, deaf, statuses, cgroupNumber(t, group, "memory.max_usage_in_bytes", "memory.peak")/1e6)
	if statuses["503"] == 0 || statuses["200"] == 0 {
		t.Errorf("run %d: %v, want publishes and refusals", run, statuses)
	}
	start := time.Now()
	events := resumed(t, p)
	t.Logf("run %d: delivers %v after the storm", run, time.Since(start).Round(10*time.Millisecond))
	for _, line := range regexp.MustCompile(`[^\n]*"msg":"memory is[^\n]*`).FindAllString(p.out.String(), -1) {
		t.Log(line)
	}
	if events == 0 {
		t.Errorf("run %d: no delivery after the storm", run)
	}
	if kills := oomKills(t, group); kills != 0 {
		t.Errorf("run %d: the kernel killed %d processes", run, kills)
	}
	p.stop()
	_ = p.cmd.Wait()
}

// newCgroup makes a memory cgroup with a limit, or skips the test.
func newCgroup(t *testing.T, run int, limit int64) (dir string) {
	name := fmt.Sprintf("roomcast-test-%d-%d", os.Getpid(), run)
	file := "memory.limit_in_bytes"
	dir = filepath.Join("/sys/fs/cgroup/memory", name)
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		dir, file = filepath.Join("/sys/fs/cgroup", name), "memory.max"
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("no memory cgroup can be made here, so nothing limits the memory: %v", err)
	}
	t.Cleanup(func() {
		for range 100 { // until the processes in it have gone
			if os.Remove(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, file), fmt.Append(nil, limit), 0o644); err != nil {
		t.Skipf("the memory cgroup takes no limit: %v", err)
	}
	return dir
}

// cgroupNumber returns the number in the first of the files that exists.
func cgroupNumber(t *testing.T, dir string, files ...string) int64 {
	for _, name := range files {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return n
		}
	}
	return 0
}

func oomKills(t *testing.T, dir string) (kills int) {
	for _, name := range []string{"memory.oom_control", "memory.events"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		found := regexp.MustCompile(`(?m)^oom_kill (\d+)$`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("no oom_kill in %s", text)
		}
		kills, _ = strconv.Atoi(string(found[1]))
		return kills
	}
	t.Fatal("the cgroup does not count kills")
	return 0
}

// openDeaf connects clients of both transports that read only the answer to their handshake, and
// returns how many the server has accepted.
func openDeaf(t *testing.T, address string, n int) (accepted int) {
	stream := []string{"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n"}
	socket := []string{"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
		"\x81\x93\x00\x00\x00\x0040" + `{"userId":"deaf"}`}
	var next, opened atomic.Int64
	var dialing sync.WaitGroup
	for range 16 {
		dialing.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				parts := stream
				if i%2 == 0 {
					parts = socket
				}
				if conn, err := dialDeaf(address, parts); err == nil {
					t.Cleanup(func() { conn.Close() })
					opened.Add(1)
				}
			}
		})
	}
	dialing.Wait()
	return int(opened.Load())
}

func dialDeaf(address string, parts []string) (net.Conn, error) {
	// A small buffer from the start on: with a smaller one later, the kernel drops and repeats packets.
	small := func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10)
		})
	}
	conn, err := (&net.Dialer{Timeout: patience, Control: small}).Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	for i, part := range parts {
		answer := make([]byte, 2<<10)
		if _, err = conn.Write([]byte(part)); err == nil {
			_, err = conn.Read(answer)
		}
		if i == 0 && err == nil && !bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) &&
			!bytes.HasPrefix(answer, []byte("HTTP/1.1 101")) {
			err = fmt.Errorf("refused: %s", answer)
		}
		if err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// publishStorm publishes to everyone from eight backends for a time, and counts the statuses.
func publishStorm(p *child, length time.Duration) map[string]int {
	body := `{"target":{"all":true},"type":"n","data":"` + strings.Repeat("x", 200<<10) + `"}`
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	statuses := map[string]int{}
	var publishing sync.WaitGroup
	end := time.Now().Add(length)
	for range 8 {
		publishing.Go(func() {
			// At least until the first refusal, however slow the machine is.
			for deadline := end.Add(2 * patience); time.Now().Before(deadline); {
				status := "error"
				if res, err := post(client, p.base, body); err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					status = strconv.Itoa(res.StatusCode)
				}
				mu.Lock()
				statuses[status]++
				done := statuses["503"] > 0 && time.Now().After(end)
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	publishing.Wait()
	return statuses
}

func post(client *http.Client, base, body string) (*http.Response, error) {
	r, err := http.NewRequest("POST", base+"/v1/notifications", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", "application/json")
	return client.Do(r)
}

// resumed opens a stream and publishes until an event arrives in it, as a client and a backend that
// try again do. It returns the number of events.
func resumed(t *testing.T, p *child) (events int) {
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		res, err := httpClient().Get(p.base + "/sse?channel=after")
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: ") {
		}
		if lines.Text() != "event: connected" {
			res.Body.Close()
			continue
		}
		again := time.AfterFunc(patience, func() { res.Body.Close() })
		defer again.Stop()
		for time.Now().Before(deadline) {
			answer, err := post(httpClient(), p.base, `{"target":{"channel":"after"},"type":"after"}`)
			if err == nil {
				answer.Body.Close()
				if answer.StatusCode == http.StatusOK {
					break
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		for lines.Scan() {
			if lines.Text() == "event: after" {
				res.Body.Close()
				return 1
			}
		}
		res.Body.Close()
	}
	return 0
}
