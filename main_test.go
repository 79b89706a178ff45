package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGeneratedKeyPublishes(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	found := regexp.MustCompile(`/#key=([A-Z2-7]{52})\n`).FindStringSubmatch(p.out.String())
	if found == nil {
		t.Fatalf("no key was printed:\n%s", p.out)
	}
	body := strings.NewReader(`{"target":{"all":true},"type":"hello"}`)
	r, err := http.NewRequest("POST", p.base+"/v1/notifications", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+found[1])
	r.Header.Set("Content-Type", "application/json")
	res, err := httpClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var receipt struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&receipt); err != nil || res.StatusCode != 200 ||
		receipt.ID == "" {
		t.Errorf("the printed key got %d %+v %v", res.StatusCode, receipt, err)
	}
	p.end()
	if n := strings.Count(p.out.String(), found[1]); n != 2 {
		t.Errorf("the key was printed %d times, want 2: for reading and in the console's address",
			n)
	}
}

func TestConsoleAddressIsPrinted(t *testing.T) {
	t.Parallel()
	const key = "a-key-of-the-tests-0123456789abcdef"
	for _, tt := range []struct {
		want string
		env  map[string]string
	}{
		{`Console: http://127\.0\.0\.1:\d+/\n`, map[string]string{"API_KEYS": key}},
		{`Console: http://127\.0\.0\.1:\d+/console/\n`,
			map[string]string{"API_KEYS": key, "UPSTREAM_URL": "http://127.0.0.1:1"}},
	} {
		p := start(t, tt.env)
		p.end()
		if !regexp.MustCompile(tt.want).MatchString(p.out.String()) {
			t.Errorf("%v: no %s in\n%s", tt.env, tt.want, p.out)
		}
		if strings.Contains(p.out.String(), key) {
			t.Errorf("a key of the settings was printed:\n%s", p.out)
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
	err := run(t.Context(), nil,
		env(map[string]string{"PORT": "http", "JWT_SECRET": "short", "ALLOWED_ORIGINS": "*"}),
		&output{})
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
	if err := run(t.Context(), []string{"--host", "0.0.0.0"}, env(nil), &output{}); err == nil {
		t.Error("open mode that AUTH_MODE=auto chose listened on all addresses")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	out := &output{}
	err := run(t.Context(), []string{"--help"}, env(nil), out)
	if err != nil || !strings.Contains(out.String(), "--port") {
		t.Errorf("%v\n%s", err, out)
	}
}
