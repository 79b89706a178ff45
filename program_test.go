package main

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for the program: far longer than it takes on a loaded machine.
const patience = 20 * time.Second

// output collects what the program prints while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// program is a run of the program that serves.
type program struct {
	t    *testing.T
	out  *output
	base string // http://host:port
	stop context.CancelFunc
	done chan error
}

var addressLine = regexp.MustCompile(`Console: (http://127\.0\.0\.1:\d+)/`)

// start runs the program on a free port and returns when it has printed the console's address.
func start(t *testing.T, settings map[string]string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{t: t, out: &output{}, stop: stop, done: make(chan error, 1)}
	go func() {
		p.done <- run(ctx, []string{"--port", "0", "--admin-addr", "off"}, env(settings), p.out)
	}()
	t.Cleanup(stop)
	deadline := time.Now().Add(patience)
	for p.base == "" {
		if time.Now().After(deadline) {
			t.Fatalf("the console's address was not printed:\n%s", p.out)
		}
		if found := addressLine.FindStringSubmatch(p.out.String()); found != nil {
			p.base = found[1]
		}
		time.Sleep(time.Millisecond)
	}
	return p
}

// end stops the program and waits until it has ended.
func (p *program) end() {
	p.t.Helper()
	p.stop()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("run: %v", err)
		}
	case <-time.After(patience):
		p.t.Fatalf("the program has not stopped after %v:\n%s", patience, p.out)
	}
}

func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * patience}
}
