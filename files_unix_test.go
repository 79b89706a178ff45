//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is a run of the program in a process of its own.
type child struct {
	*program
	cmd *exec.Cmd
}

// kill ends the process without its doing, and waits for its end.
func (p *child) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// startChild runs the program with a limit of open files, on a free port or that of the settings, by
// another command if one is given.
func startChild(t *testing.T, files int, settings map[string]string, by ...string) *child {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &child{program: newProgram(t, settings)}
	c.stop = stop
	script := fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)
	command := append(by, "sh", "-c", script, binary,
		"--port", cmp.Or(settings["PORT"], "0"), "--admin-addr", "127.0.0.1:0")
	c.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	c.cmd.Env = append(os.Environ(), "ROOMCAST_TEST_PROGRAM=1")
	for name, value := range settings {
		c.cmd.Env = append(c.cmd.Env, name+"="+value)
	}
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.notes
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = c.cmd.Wait() // an error when the test has waited
	})
	c.base = "http://" + c.waitFor(addressLine)[1]
	return c
}

// With a small limit of open files and more clients than it allows, the API and the probes still
// answer, the streams and sockets above the limit are refused as they are above MAX_CONNECTIONS,
// and the log says what to do.
func TestManyClientsWithFewFiles(t *testing.T) {
	t.Parallel()
	const files, clients = 200, 300
	p := startChild(t, files, map[string]string{
		"API_KEYS": testKey, "TRUSTED_PROXIES": "127.0.0.1", // see TestIdleConnectionsWithFewFiles
	})
	p.waitFor(regexp.MustCompile(`"level":"warn"[^\n]*"msg":"the limit of open files is 200 and ` +
		`MAX_CONNECTIONS is 10000: [^\n]*raise the limit to \d+ [^\n]*set MAX_CONNECTIONS=\d+"`))
	admin := "http://" + p.waitFor(regexp.MustCompile(
		`"admin listening","address":"(127\.0\.0\.1:\d+)"`))[1]

	events := p.openStreams(clients)
	if opened := events["connected"]; opened < files/2 || opened > files*4/5 {
		t.Errorf("%d of %d streams were opened with %d files", opened, clients, files)
	}
	if all := events["connected"] + events["overloaded"]; all != clients {
		t.Errorf("%d of %d streams got an answer: %v", all, clients, events)
	}
	for range 20 {
		for _, base := range []string{p.base, admin} {
			res, err := httpClient().Get(base + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("/readyz: %d", res.StatusCode)
			}
		}
		if status, text := p.publish(testKey); status != http.StatusOK {
			t.Errorf("publish: %d %s", status, text)
		}
	}
	res, err := httpClient().Get(p.base + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a Socket.IO handshake: %d %v %s", res.StatusCode, res.Header, text)
	}
	p.waitFor(regexp.MustCompile(`"msg":"most descriptors are in use: `))
}

// openStreams opens n streams at once, which stay open until the test ends, and counts the first
// events that they get.
func (p *program) openStreams(n int) map[string]int {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	ctx, stop := context.WithTimeout(p.t.Context(), 2*patience)
	p.t.Cleanup(stop)
	first := make(chan string, n)
	for range n {
		go func() { first <- firstEvent(ctx, client, p.base+"/sse") }()
	}
	events := map[string]int{}
	for range n {
		events[<-first]++
	}
	return events
}

// firstEvent opens a stream and returns the name of its first event, or the error.
func firstEvent(ctx context.Context, client *http.Client, url string) string {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	context.AfterFunc(ctx, func() { res.Body.Close() })
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
			return name
		}
	}
	return res.Status + " without an event"
}

// Connections that send nothing must not take the descriptors of the others either. They come from
// a trusted proxy: one address that crowds for 3 s is refused, and a burst may take that long on a
// slow machine.
func TestIdleConnectionsWithFewFiles(t *testing.T) {
	t.Parallel()
	p := startChild(t, 120, map[string]string{"API_KEYS": testKey, "TRUSTED_PROXIES": "127.0.0.1"})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 500}}
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	var requests sync.WaitGroup
	for range 300 { // each leaves an idle connection
		requests.Go(func() {
			if err := insist(ctx, client, p.base+"/livez"); err != nil {
				t.Error(err)
			}
		})
	}
	requests.Wait()
	for range 20 {
		if status, text := p.publish(testKey); status != http.StatusOK {
			t.Errorf("publish: %d %s", status, text)
		}
	}
	client.CloseIdleConnections()
}

// insist sends a request until there is an answer. The server closes a connection that has sent
// nothing for a second when it has no descriptors left, so a slow client has to try again.
func insist(ctx context.Context, client *http.Client, url string) error {
	for {
		r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			return res.Body.Close()
		}
		if ctx.Err() != nil || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) &&
			!errors.Is(err, io.EOF) {
			return err
		}
	}
}

// SIGHUP reaches the program and does not end it; SIGTERM drains it.
func TestSignals(t *testing.T) {
	t.Parallel()
	p := startChild(t, 200, map[string]string{"API_KEYS": testKey})
	for _, s := range []struct {
		signal os.Signal
		want   string
	}{{syscall.SIGHUP, "settings reloaded"}, {syscall.SIGTERM, "drained"}} {
		if err := p.cmd.Process.Signal(s.signal); err != nil {
			t.Fatal(err)
		}
		p.waitFor(regexp.MustCompile(`"msg":"` + s.want + `"`))
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.notes)
	}
}

// A second signal ends a drain at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := startChild(t, 200, map[string]string{"API_KEYS": testKey, "DRAIN_TIMEOUT": "1h"})
	p.openStreams(100)
	start, ended := time.Now(), make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	interrupt := time.NewTicker(50 * time.Millisecond)
	defer interrupt.Stop()
	for {
		select {
		case <-interrupt.C: // again and again, because the first ones can arrive together
			_ = p.cmd.Process.Signal(os.Interrupt)
			continue
		case err := <-ended:
			if err == nil || time.Since(start) > patience {
				t.Errorf("it ended after %v with %v, so it drained", time.Since(start), err)
			}
		}
		return
	}
}
