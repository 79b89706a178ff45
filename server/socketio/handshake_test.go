package socketio

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// Handlers receive the request and the payload as the client sent them, without the credentials.
func TestHandshakeShowsTheRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, query string
		plain       bool
		wantURL     string
		wantAuth    string
	}{
		{"ours", "b=2&token=secret&a=1&a=%20&ticket=secret", false,
			"/socket.io/?EIO=4&transport=websocket&b=2&a=1&a=%20",
			`{"theme":"dark","userId":"u1"}`},
		{"plain", "b=2&token=kept", true,
			"/socket.io/?EIO=4&transport=websocket&b=2&token=kept",
			`{"theme":"dark","ticket":"secret","token":"","userId":"u1"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(o *Options) {
				o.Plain = tt.plain
				o.Auth, _ = auth.New(auth.Options{Mode: auth.ModeOpen})
			})
			seen := make(chan Handshake, 1)
			s.sio.Of("/").OnConnect(func(_ context.Context, c *Conn) error {
				seen <- c.Handshake()
				return nil
			})
			header := http.Header{"X-Shown": {"yes"},
				"Cookie":        {"theme=dark; " + auth.CookieName + "=secret"},
				"Authorization": {"Basic secret"}}
			ws, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+
				"/socket.io/?EIO=4&transport=websocket&"+tt.query, header)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			res.Body.Close()
			connect := `40{"userId":"u1","token":"","ticket":"secret","pid":"secret",` +
				`"offset":"secret","theme":"dark"}`
			if err := ws.WriteMessage(websocket.TextMessage, []byte(connect)); err != nil {
				t.Fatal(err)
			}
			h := servertest.Receive(t, seen)
			if h.Address != "127.0.0.1" || h.Secure || h.Time.IsZero() || h.URL != tt.wantURL ||
				string(h.Auth) != tt.wantAuth {
				t.Errorf("%+v with %s", h, h.Auth)
			}
			if got := h.Headers.Get("Host"); got != s.Base {
				t.Errorf("Host is %q", got)
			}
			if h.Headers.Get("X-Shown") != "yes" || h.Query.Get("b") != "2" {
				t.Errorf("headers %v, query %v", h.Headers, h.Query)
			}
			wantCookie, wantAuthorization := "theme=dark", ""
			if tt.plain {
				wantCookie, wantAuthorization = header.Get("Cookie"), "Basic secret"
			}
			if h.Headers.Get("Cookie") != wantCookie ||
				h.Headers.Get("Authorization") != wantAuthorization {
				t.Errorf("headers %v", h.Headers)
			}
		})
	}
}

// The server removes credentials from a query in any spelling, and keeps everything else in order.
func TestQueryWithoutCredentials(t *testing.T) {
	t.Parallel()
	name := rapid.SampledFrom([]string{"a", "token", "ticket", "%74oken", "t%69cket", "TOKEN",
		"tokens", "", "%zz", "x;token"})
	part := rapid.Custom(func(t *rapid.T) string {
		return name.Draw(t, "name") +
			rapid.SampledFrom([]string{"", "=", "=1", "=%20&", "=a=b", "=%zz"}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		query := ""
		for i, p := range rapid.SliceOf(part).Draw(t, "parts") {
			if i > 0 {
				query += "&"
			}
			query += p
		}
		want, _ := url.ParseQuery(query)
		delete(want, "token")
		delete(want, "ticket")
		clean := withoutCredentials(query)
		if got, _ := url.ParseQuery(clean); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %q: %s, want %s", query, clean, fmt.Sprint(got), fmt.Sprint(want))
		}
		if again := withoutCredentials(clean); again != clean {
			t.Fatalf("%q became %q, then %q", query, clean, again)
		}
	})
}
