package peers

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is the Channels and the Stream of a test. It notes what is sent.
type wire struct {
	published func(string, []byte)
	read      func(*nodewire.Entry)
	sent      chan string // channels and payloads in hexadecimal digits, or fields

	mu         sync.Mutex     // guards the fields below
	servers    int            // those that are subscribed, this one included
	counts     map[string]int // of channels with another number
	subscribed []string
}

func newWire(servers int) *wire { return &wire{sent: make(chan string, 4096), servers: servers} }

type wireStream struct{ *wire }

func (w *wire) Publish(_ context.Context, messages ...Message) error {
	for _, m := range messages {
		w.sent <- m.Channel + " " + hex.EncodeToString(m.Payload)
	}
	return nil
}

func (w *wire) Subscribers(_ context.Context, channels ...string) ([]int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]int, len(channels))
	for i, channel := range channels {
		n, ok := w.counts[channel]
		if all[i] = n; !ok {
			all[i] = w.servers
		}
	}
	return all, nil
}

func (w *wire) Subscribe(channels ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribed = append(w.subscribed, channels...)
}

func (w *wire) Unsubscribe(channels ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribed = slices.DeleteFunc(w.subscribed, func(name string) bool {
		return slices.Contains(channels, name)
	})
}

func (w *wire) channels() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.subscribed)
}

func (w *wire) Wait(context.Context, string, ...string) error { return nil }
func (w *wire) Receive(f func(string, []byte))                { w.published = f }
func (s wireStream) Receive(f func(*nodewire.Entry))          { s.read = f }

func (wireStream) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

func (s wireStream) Append(_ context.Context, entries ...*nodewire.Entry) error {
	for _, e := range entries {
		f, err := e.Fields()
		if err != nil {
			return err
		}
		s.sent <- strings.Join(f.Pairs(), " ")
	}
	return nil
}

// local is the Local of a test.
type local struct {
	sockets []nodewire.Socket
	clients int
	answers []nodewire.Value // of clients, or the one of a handler; none: it does not answer
	changed chan *nodewire.Entry
	asked   chan *nodewire.Entry
}

func (l local) Sockets(string, nodewire.Opts) []nodewire.Socket { return slices.Clone(l.sockets) }

func (l local) Ask(_ context.Context, e *nodewire.Entry, counted func(int),
	answer func(nodewire.Value), done func(),
) {
	counted(l.clients)
	for _, v := range l.answers {
		answer(v)
	}
	done()
}

func (l local) Change(e *nodewire.Entry) func() { return func() { l.changed <- e } }

func (l local) ServerEvent(
	_ context.Context, e *nodewire.Entry, answer func(nodewire.Value),
) {
	if l.asked != nil {
		l.asked <- e
	}
	if answer != nil && len(l.answers) > 0 {
		answer(l.answers[0])
	}
}

// serve returns the Peers of a server with a uid.
func serve(t testing.TB, w *wire, l Local, uid string) *Peers {
	t.Helper()
	o := DefaultOptions()
	o.UID = uid
	return serveAs(t, w, l, o)
}

func serveAs(t testing.TB, w *wire, l Local, o Options) *Peers {
	t.Helper()
	p := New(w, wireStream{w}, o)
	p.Serve(l)
	t.Cleanup(p.Close)
	if got, want := <-w.sent, "uid "+o.UID+" nsp / type 1"; got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	return p
}

// line is a line of a recording of Node's adapter.
type line struct {
	Call, Channel, Hex, Text string
	Fields                   []string
}

func recording(t testing.TB, name string) (lines []line) {
	t.Helper()
	text, err := os.ReadFile("../nodewire/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(text)) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// entry decodes a line that is an entry of the stream or a published message.
func (l line) entry(t testing.TB) *nodewire.Entry {
	t.Helper()
	if l.Channel != "" {
		e, err := nodewire.DecodeMap(l.payload(t))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var f nodewire.Fields
	for i := 0; i+1 < len(l.Fields); i += 2 {
		f.Set(l.Fields[i], l.Fields[i+1])
	}
	e, err := nodewire.Decode(f)
	if err != nil {
		return nil
	}
	return e
}

func (l line) payload(t testing.TB) []byte {
	t.Helper()
	if l.Text != "" {
		return []byte(l.Text)
	}
	payload, err := hex.DecodeString(l.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// text is what a wire notes of the line.
func (l line) text() string {
	if l.Channel != "" {
		return l.Channel + " " + l.Hex
	}
	return strings.Join(l.Fields, " ")
}

// readable decodes base64 for a failure.
func readable(text string) string {
	if data, err := base64.StdEncoding.DecodeString(text[strings.LastIndex(text, " ")+1:]); err == nil {
		return text + " = " + string(data)
	}
	return text
}
