package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startActivated runs the program with sockets that the test has opened, as systemd does.
func startActivated(t *testing.T, settings map[string]string, names string, sockets ...*os.File) *child {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &child{program: newProgram(t, settings)}
	c.stop = stop
	// systemd knows the process id before the program starts; a shell does too.
	script := fmt.Sprintf(`export LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s; exec "$0" "$@"`,
		len(sockets), names)
	c.cmd = exec.CommandContext(ctx, "sh", "-c", script, binary, "--admin-addr", "off")
	c.cmd.Env = append(os.Environ(), "ROOMCAST_TEST_PROGRAM=1")
	for name, value := range settings {
		c.cmd.Env = append(c.cmd.Env, name+"="+value)
	}
	c.cmd.ExtraFiles, c.cmd.Stdout, c.cmd.Stderr = sockets, c.out, c.notes
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = c.cmd.Wait() // an error when the test has waited
	})
	return c
}

// terminate ends the process as systemd does, and waits for its end.
func (p *child) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ended with %v:\n%s", err, p.out)
	}
}

// listenTCP opens a socket as systemd does: without Multipath TCP, which Go chooses by default.
func listenTCP(address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", address)
}

func fileOf(t *testing.T, l net.Listener) *os.File {
	t.Helper()
	file, err := l.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// A restart with the socket of systemd refuses nobody: whoever connects while no process runs waits in
// the queue of the socket and is served by the next one, and everything that was accepted is there
// once.
func TestRestartWithTheSocketOfSystemd(t *testing.T) {
	t.Parallel()
	l, err := listenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, base := fileOf(t, l), "http://"+l.Addr().String()
	settings := map[string]string{
		"AUTH_MODE": "open", "API_KEYS": testKey, "DATA_DIR": t.TempDir(), "PUBLISH_RATE": "0",
	}
	publish := func(backend, n int) error {
		body := fmt.Sprintf(`{"target":{"channel":"general"},"type":"n","data":"%d-%d"}`, backend, n)
		r, err := http.NewRequest("POST", base+"/v1/notifications", strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		r.Header.Set("Content-Type", "application/json")
		res, err := httpClient().Do(r) // with a connection of its own
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s", res.Status, text)
		}
		return nil
	}
	p := startActivated(t, settings, "http", socket)
	p.waitFor(addressLine)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.out)
		}
	})
	const backends = 4
	counts, over := make([]int, backends), make(chan struct{})
	var publishers sync.WaitGroup
	for b := range backends {
		publishers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				default:
				}
				if err := publish(b, n); err != nil {
					t.Errorf("backend %d, notification %d: %v", b, n, err)
					return
				}
				counts[b] = n + 1
			}
		})
	}
	for range 3 {
		p.terminate()
		if t.Failed() {
			t.Log(p.out)
		}
		waits := make(chan error, 1)
		go func() { waits <- publish(backends, 0) }()
		select {
		case err := <-waits:
			t.Errorf("without a process a publish ended with %v", err)
		case <-time.After(100 * time.Millisecond): // it waits; a slow test machine finds nothing wrong
		}
		p = startActivated(t, settings, "http", socket)
		if err := <-waits; err != nil {
			t.Errorf("the publish between two processes: %v", err)
		}
	}
	close(over)
	publishers.Wait()
	want := 3 // those between two processes
	for _, n := range counts {
		want += n
	}
	if got := stored(t, base, want); got["4-0"] != 3 {
		t.Errorf("%d of those between two processes", got["4-0"])
	} else {
		delete(got, "4-0")
		for data, times := range got {
			if times != 1 {
				t.Errorf("%s is there %d times", data, times)
			}
		}
	}
	p.terminate()
}

// stored returns how often the history of the channel general has each data. All are n.
func stored(t *testing.T, base string, n int) map[string]int {
	t.Helper()
	times, since, total := map[string]int{}, "0", 0
	for total < n {
		r, err := http.NewRequest("GET", base+"/v1/notifications?channel=general&limit=1000&since="+since, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+testKey)
		res, err := httpClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Notifications []struct{ ID, Data string }
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil || len(page.Notifications) == 0 {
			t.Fatalf("%d of %d after %s, %v", total, n, since, err)
		}
		for _, one := range page.Notifications {
			times[one.Data]++
			since, total = one.ID, total+1
		}
	}
	if total != n {
		t.Errorf("%d are stored, want %d", total, n)
	}
	return times
}

// Two sockets have their names, the address of the settings does not count, and a socket of systemd
// outlives the process.
func TestSocketsOfSystemdByName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "admin.sock")
	admin, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	main, err := listenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer main.Close()
	p := startActivated(t, map[string]string{"PORT": "1", "DRAIN_TIMEOUT": "0s",
		"API_KEYS": testKey}, "admin:http", fileOf(t, admin), fileOf(t, main))
	p.base = "http://" + p.waitFor(addressLine)[1]
	if want := "http://" + main.Addr().String(); p.base != want {
		t.Errorf("it listens on %s, want %s", p.base, want)
	}
	if status, text := p.publish(testKey); status != 200 {
		t.Errorf("a publish got %d %s", status, text)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}
	res, err := client.Get("http://localhost/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !strings.Contains(string(text), "roomcast_connections") {
		t.Errorf("the second listener answered %s %.100s", res.Status, text)
	}
	p.terminate()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the program removed the socket of systemd: %v", err)
	}
}

// A socket that other machines can reach is refused in open mode that nobody has chosen.
func TestSocketOfSystemdInOpenMode(t *testing.T) {
	t.Parallel()
	l, err := listenTCP("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := startActivated(t, nil, "http", fileOf(t, l))
	if err := p.cmd.Wait(); err == nil || !strings.Contains(p.notes.String(),
		"systemd listens on ") || !strings.Contains(p.notes.String(), "a loopback address") {
		t.Errorf("it ended with %v: %s", err, p.notes)
	}
}

// systemd-socket-activate, which starts a program as systemd does, starts this one.
func TestSystemdSocketActivate(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is not installed (package systemd)")
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for attempt := 0; ; attempt++ {
		address := fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384)) // below the ports of clients
		out := &output{}
		cmd := exec.CommandContext(ctx, tool, "--listen="+address, "--fdname=http",
			"--setenv=ROOMCAST_TEST_PROGRAM=1", "--setenv=DRAIN_TIMEOUT=0s", binary, "--admin-addr", "off")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		if answersAt("http://"+address+"/readyz", ended) {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-ended
			if !strings.Contains(out.String(), `"msg":"listening","address":"`+address+`"`) {
				t.Errorf("the output is\n%s", out)
			}
			return
		}
		_ = cmd.Process.Kill()
		<-ended
		if attempt == 10 {
			t.Fatalf("it does not answer:\n%s", out)
		}
	}
}

// answersAt reports whether a server answers before its process ends.
func answersAt(url string, ended <-chan struct{}) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		res, err := httpClient().Get(url)
		if err == nil {
			res.Body.Close()
			return res.StatusCode == http.StatusOK
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return false
}
