package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
	"github.com/roomcast/roomcast/server/servertest/client"
)

func TestMain(m *testing.M) {
	client.Main()
	if os.Getenv("ROOMCAST_TEST_PROGRAM") != "" { // a test runs the program in a process of its own
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestGeneratedKeyPublishes(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	found := regexp.MustCompile(`/#key=([A-Z2-7]{52})\n`).FindStringSubmatch(p.notes.String())
	if found == nil {
		t.Fatalf("no key was printed:\n%s", p.notes)
	}
	if status, text := p.publish(found[1]); status != 200 || !strings.HasPrefix(text, `{"id":"`) {
		t.Errorf("the printed key got %d %s", status, text)
	}
	p.end()
	if n := strings.Count(p.notes.String(), found[1]); n != 2 {
		t.Errorf("the key was printed %d times, want 2: for reading and in the console's address",
			n)
	}
	if strings.Contains(p.out.String(), found[1]) {
		t.Errorf("the key is in the log:\n%s", p.out)
	}
}

// The console's address is for people: it is on stderr, and only when that is a terminal.
func TestConsoleAddressIsPrinted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want     string
		terminal bool
		env      map[string]string
	}{
		{`^\n  Console: http://127\.0\.0\.1:\d+/\n\n$`, true, map[string]string{"API_KEYS": testKey}},
		{`^\n  Console: http://127\.0\.0\.1:\d+/console/\n\n$`, true,
			map[string]string{"API_KEYS": testKey, "UPSTREAM_URL": "http://127.0.0.1:1"}},
		{`^$`, false, map[string]string{"API_KEYS": testKey}},
	} {
		p := newProgram(t, tt.env)
		p.terminal = tt.terminal
		p.start()
		p.end()
		if !regexp.MustCompile(tt.want).MatchString(p.notes.String()) {
			t.Errorf("%v: got %q, want %s", tt.env, p.notes, tt.want)
		}
		if strings.Contains(p.notes.String()+p.out.String(), testKey) {
			t.Errorf("a key of the settings was printed:\n%s%s", p.notes, p.out)
		}
	}
}

// With DRAIN_TIMEOUT=0 a stop cuts what is open: it does not wait for a request that has no answer
// yet.
func TestDrainTimeoutOfZeroStopsAtOnce(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	application := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer application.Close()
	defer close(release)
	p := start(t, map[string]string{"DRAIN_TIMEOUT": "0", "UPSTREAM_URL": application.URL})

	answered := make(chan error, 1)
	go func() {
		res, err := httpClient().Get(p.base + "/slow")
		if err == nil {
			res.Body.Close()
		}
		answered <- err
	}()
	<-arrived
	p.end()
	if err := <-answered; err == nil {
		t.Error("the request that was in flight got an answer")
	}
}

// With MAX_ROOMS=0 clients of both transports are in the default channel and join no other.
func TestMaxRoomsOfZeroAllowsNoChannel(t *testing.T) {
	t.Parallel()
	p := start(t, map[string]string{"MAX_ROOMS": "0"})
	defer p.end()
	client := httpClient()

	stream, err := client.Get(p.base + "/sse?userId=u1&channels=orders")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if got, want := deniedOf(t, stream.Body), []string{"orders"}; !slices.Equal(got, want) {
		t.Errorf("the stream was denied %q, want %q", got, want)
	}

	url := "ws" + strings.TrimPrefix(p.base, "http") + "/socket.io/?EIO=4&transport=websocket"
	socket, res, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer socket.Close()
	send := func(packet string) {
		if err := socket.WriteMessage(websocket.TextMessage, []byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	send(`40{"userId":"u2","channels":["orders"]}`)
	send(`421["subscribe",{"channels":["orders"]}]`)
	want := regexp.MustCompile(`^431\[\{"type":"subscribed","channels":\[\],"denied":\["orders"\],`)
	_ = socket.SetReadDeadline(time.Now().Add(patience))
	for {
		_, packet, err := socket.ReadMessage()
		if err != nil {
			t.Fatalf("no acknowledgement: %v", err)
		}
		if strings.HasPrefix(string(packet), "431") {
			if !want.Match(packet) {
				t.Errorf("the subscription was answered %s", packet)
			}
			break
		}
	}
}

// deniedOf reads the first event of a stream and returns the channels that it denies.
func deniedOf(t *testing.T, stream io.Reader) []string {
	t.Helper()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var connected struct{ Denied []string }
			if err := json.Unmarshal([]byte(data), &connected); err != nil {
				t.Fatal(err)
			}
			return connected.Denied
		}
	}
	t.Fatal("the stream ended without an event")
	return nil
}

// The settings have the defaults of the service, which config does not import.
func TestSettingsHaveTheDefaultsOfTheService(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil, env(nil), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := server.DefaultOptions()
	if c.DrainTimeout != want.DrainTimeout || c.SSECleanupInterval != want.SweepInterval ||
		c.InactiveTimeout != want.InactiveTimeout || c.SSEPath != want.SSEPath ||
		c.SocketIOPath != want.SocketIOPaths[0] {
		t.Errorf("the settings %+v differ from the options %+v", c, want)
	}
}

func TestErrorListsEveryMistake(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), nil, environment{lookup: env(map[string]string{
		"PORT": "http", "JWT_SECRET": "short", "ALLOWED_ORIGINS": "*",
	}), stdout: &output{}})
	if err == nil {
		t.Fatal("it started")
	}
	for _, want := range []string{"PORT", "JWT_SECRET", "ALLOWED_ORIGINS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func TestOpenModeStaysOnLoopback(t *testing.T) {
	t.Parallel()
	e := environment{lookup: env(nil), stdout: &output{}, stderr: &output{}}
	if err := run(t.Context(), []string{"--host", "0.0.0.0"}, e); err == nil {
		t.Error("open mode that AUTH_MODE=auto chose listened on all addresses")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		"--help": "--port", "help": "--port", "version": "roomcast ", "--version": "roomcast ",
	} {
		out := &output{}
		err := run(t.Context(), []string{arg}, environment{lookup: env(nil), stdout: out})
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", arg, err, out)
		}
	}
}
