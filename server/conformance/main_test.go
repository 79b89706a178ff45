package main

import (
	"context"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	greetDelay = 0 // these tests wait for each message
	goleak.VerifyTestMain(m)
}

// The cases of the official Socket.IO suite that need its handlers: the packets that are sent, and the exact packets of
// the answer. Handlers on our own API and on the library's give the same.
func TestHandlersOfTheSuite(t *testing.T) {
	for name, byLibrary := range map[string]bool{"own": false, "library": true} {
		t.Run(name, func(t *testing.T) { testHandlers(t, byLibrary) })
	}
}

func testHandlers(t *testing.T, byLibrary bool) {
	handler, shutdown, err := newHandler(25*time.Second, 20*time.Second, 1_000_000, byLibrary)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(handler)
	defer srv.Close()
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		shutdown(ctx)
	}()
	sid := regexp.MustCompile(`"sid":"[^"]+"`)
	for _, tt := range []struct {
		name, path string
		send       []any // string: text, []byte: binary
		want       []string
	}{
		{"echo", "/engine.io/", []any{"4hello", []byte{1, 2}}, []string{"4hello", "\x01\x02"}},
		{"main namespace", "/socket.io/", []any{"40"}, []string{`40{"sid":*}`, `42["auth",{}]`}},
		{"payload", "/socket.io/", []any{`40{"token":"123"}`}, []string{`40{"sid":*}`, `42["auth",{"token":"123"}]`}},
		{"custom namespace", "/socket.io/", []any{`40/custom,{"token":"abc"}`},
			[]string{`40/custom,{"sid":*}`, `42/custom,["auth",{"token":"abc"}]`}},
		{"unknown namespace", "/socket.io/", []any{"40/random"}, []string{`44/random,{"message":"Invalid namespace"}`}},
		{"text", "/socket.io/", []any{"40", `42["message",1,"2",{"3":[true]}]`},
			[]string{`40{"sid":*}`, `42["auth",{}]`, `42["message-back",1,"2",{"3":[true]}]`}},
		{"text with ack", "/socket.io/", []any{"40", `42456["message-with-ack",1,"2",{"3":[false]}]`},
			[]string{`40{"sid":*}`, `42["auth",{}]`, `43456[1,"2",{"3":[false]}]`}},
		{"binary", "/socket.io/",
			[]any{"40", `452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1}, []byte{2}},
			[]string{`40{"sid":*}`, `42["auth",{}]`,
				`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "\x01", "\x02"}},
		{"binary with ack", "/socket.io/",
			[]any{"40", `452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1}, []byte{2}},
			[]string{`40{"sid":*}`, `42["auth",{}]`,
				`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "\x01", "\x02"}},
		{"event before CONNECT", "/socket.io/", []any{`42["message"]`}, nil},
		{"unknown packet type", "/socket.io/", []any{"40", "4abc"}, nil},
		{"event without an array", "/socket.io/", []any{"40", "42{}"}, nil},
		{"ack id that is no number", "/socket.io/", []any{"40", `42abc["message-with-ack",1]`}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := "ws" + strings.TrimPrefix(srv.URL, "http") + tt.path + "?EIO=4&transport=websocket"
			conn, res, err := websocket.DefaultDialer.Dial(url, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			res.Body.Close()
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, open, err := conn.ReadMessage(); err != nil || open[0] != '0' {
				t.Fatalf("OPEN is %q, %v", open, err)
			}
			for _, m := range tt.send {
				kind, data := websocket.BinaryMessage, []byte(nil)
				switch m := m.(type) {
				case string:
					kind, data = websocket.TextMessage, []byte(m)
				case []byte:
					data = m
				}
				if err := conn.WriteMessage(kind, data); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range tt.want {
				_, data, err := conn.ReadMessage()
				if got := sid.ReplaceAllString(string(data), `"sid":*`); err != nil || got != want {
					t.Fatalf("got %q, %v; want %q", got, err, want)
				}
			}
			for tt.want == nil { // such a client is closed
				if _, _, err := conn.ReadMessage(); err != nil {
					if strings.Contains(err.Error(), "timeout") {
						t.Fatal("the connection is still open")
					}
					return
				}
			}
		})
	}
}

func TestRunServesUntilToldToStop(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0"}) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"-ping-interval", "soon"}); err == nil {
		t.Error("a bad flag was taken")
	}
}
