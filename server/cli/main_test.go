package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "a-key-of-at-least-32-random-bytes-0001"
	testSecret = "0123456789abcdef0123456789abcdef"
)

// node is a complete server in this process.
type node struct {
	address string
	hub     *notify.Hub
	stop    func()
}

// start serves on address ("127.0.0.1:0" for any port) until stop or the end of the test.
func start(t *testing.T, address string, o auth.Options) *node {
	t.Helper()
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	users, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	socketIO, err := newSocketIO(hub, users)
	if err != nil {
		t.Fatal(err)
	}
	so := server.DefaultOptions()
	so.Hub, so.SocketIO, so.APIKeys, so.DrainTimeout = hub, socketIO, []string{
		testKey,
	}, 5*time.Second
	streams := sse.DefaultOptions()
	streams.Hub, streams.Auth, streams.DefaultChannels = hub, users, []string{"general"}
	if so.Streams, err = sse.New(streams); err != nil {
		t.Fatal(err)
	}
	service := server.New(so)
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- service.Serve(ctx, address, func(a net.Addr) { listening <- a }) }()
	n := &node{hub: hub}
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	select {
	case a := <-listening:
		n.address = a.String()
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	return n
}

func (n *node) url() string { return "http://" + n.address }

// output is the output of a command, which a test reads while the command runs.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// until waits until the output contains a text.
func (o *output) until(t *testing.T, want string) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for !strings.Contains(o.String(), want) {
		select {
		case <-o.wrote:
		case <-deadline:
			t.Fatalf("no %q in:\n%s", want, o)
		}
	}
}

type env map[string]string

func (e env) lookup(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

// result is the output and exit code of a command.
type result struct {
	out, notes string
	code       int
	err        error
}

// run runs one command line until it ends.
func run(t *testing.T, e env, stdin string, args ...string) result {
	t.Helper()
	out, notes := newOutput(), newOutput()
	err := runIn(t.Context(), e, strings.NewReader(stdin), out, notes, args...)
	code := Report(notes, err, WantsJSON(args))
	return result{out.String(), notes.String(), code, err}
}

func runIn(
	ctx context.Context, e env, stdin io.Reader, out, notes io.Writer, args ...string,
) error {
	invocation, err := config.Parse(args, e.lookup, out, new(Commands))
	if invocation.Command == "" || invocation.Command == "serve" {
		return err
	}
	return Run(Environment{Context: ctx, Stdin: stdin, Stdout: out, Stderr: notes}, invocation, err)
}

func newSocketIO(hub *notify.Hub, users *auth.Authenticator) (*socketio.Server, error) {
	o := socketio.DefaultOptions()
	o.Hub, o.Auth, o.DefaultChannels = hub, users, []string{"general"}
	return socketio.New(o)
}
