package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
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

// testKey is an API key.
const testKey = "a-key-of-the-tests-0123456789abcdef"

// program is a run of the program that serves.
type program struct {
	t        *testing.T
	settings map[string]string
	args     []string
	terminal bool
	hangups  chan bool
	looks    chan time.Time

	out, notes *output // stdout and stderr
	base       string  // http://host:port
	stop       context.CancelFunc
	done       chan error
}

var addressLine = regexp.MustCompile(`"listening","address":"([\d.]+:\d+)"`)

// start runs the program on a free port and returns when it listens.
func start(t *testing.T, settings map[string]string) *program {
	t.Helper()
	p := newProgram(t, settings)
	p.start()
	return p
}

func newProgram(t *testing.T, settings map[string]string) *program {
	return &program{t: t, settings: settings, args: []string{"--port", "0", "--admin-addr", "off"},
		hangups: make(chan bool), looks: make(chan time.Time), out: &output{}, notes: &output{}, done: make(chan error, 1)}
}

func (p *program) start() {
	p.t.Helper()
	p.base = "http://" + p.startOn(addressLine)[1]
}

// startOn runs the program and returns when the log has this text, with the groups of the expression.
func (p *program) startOn(text *regexp.Regexp) []string {
	p.t.Helper()
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	p.t.Cleanup(p.stop)
	go func() {
		p.done <- run(ctx, p.args, environment{
			lookup: env(p.settings), stdout: p.out, stderr: p.notes, terminal: p.terminal,
			hangups: func(context.Context) <-chan bool { return p.hangups },
			looks:   p.looks,
		})
	}()
	return p.waitFor(text)
}

// waitFor waits until the log has this text, and returns the groups of the expression.
func (p *program) waitFor(text *regexp.Regexp) []string {
	p.t.Helper()
	return p.waitForAfter(0, text)
}

// waitForAfter is waitFor without the first bytes of the log.
func (p *program) waitForAfter(skip int, text *regexp.Regexp) []string {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if found := text.FindStringSubmatch(p.out.String()[skip:]); found != nil {
			return found
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s in\n%s%s", text, p.out, p.notes)
		}
	}
}

// end stops the program and waits until it has ended.
func (p *program) end() {
	p.t.Helper()
	p.stop()
	p.ended()
}

func (p *program) ended() {
	p.t.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Errorf("run: %v", err)
		}
	case <-time.After(patience):
		p.t.Fatalf("the program has not stopped after %v:\n%s", patience, p.out)
	}
}

// publish sends a notification to everyone.
func (p *program) publish(key string) (status int, text string) {
	p.t.Helper()
	status, text, err := p.send(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return status, text
}

// tryPublish is publish with testKey, also while the program ends: then the status is 0.
func (p *program) tryPublish() (status int, text string) {
	p.t.Helper()
	status, text, err := p.send(testKey)
	if err != nil {
		return 0, err.Error()
	}
	return status, text
}

func (p *program) send(key string) (status int, text string, err error) {
	return p.post(key, `{"target":{"all":true},"type":"hello"}`)
}

// post sends a notification.
func (p *program) post(key, body string) (status int, text string, err error) {
	r, err := http.NewRequest("POST", p.base+"/v1/notifications", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	res, err := httpClient().Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * patience}
}
