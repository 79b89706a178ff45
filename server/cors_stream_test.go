package server

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

// tokenStack starts a service in token mode. It allows the default origins, which are those of this
// machine with any port, and https://app.example.
func tokenStack(t *testing.T) (base string) {
	t.Helper()
	tickets := auth.NewTickets(nil)
	authenticator, err := auth.New(auth.Options{Secret: auth.Secret(servertest.Secret),
		Tickets: tickets})
	if err != nil {
		t.Fatal(err)
	}
	hub := servertest.NewHub(t)
	o := socketio.DefaultOptions()
	o.Hub, o.Auth = hub, authenticator
	sio, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	so := DefaultOptions()
	so.Hub, so.SocketIO, so.Log = hub, sio, zap.NewNop()
	so.AllowOrigin = config.Config{Host: "127.0.0.1",
		AllowedOrigins: []string{"https://app.example"}}.Origins().Allow
	streams := sse.DefaultOptions()
	streams.Hub, streams.Auth, streams.Tickets = hub, authenticator, tickets
	streams.Problem = edge.WriteProblem
	if so.Streams, err = sse.New(streams); err != nil {
		t.Fatal(err)
	}
	service := New(so)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := service.close(ctx, pace{}); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return "http://" + servertest.Serve(t, service.Handler())
}

// Browsers send a preflight before a request with special headers or JSON. The server must allow
// all requests of streams.
func TestStreamPreflight(t *testing.T) {
	t.Parallel()
	base := tokenStack(t)
	for _, origin := range []string{
		"http://localhost:5173", "http://127.0.0.1:8080",
		"https://app.example",
	} {
		for _, c := range []struct{ method, path, headers string }{
			{"GET", "/sse?userId=u1", "authorization,cache-control,last-event-id"},
			{"GET", "/api/sse", "authorization"},
			{"POST", "/sse/tickets", "authorization"},
			{"POST", "/api/sse/tickets", "authorization,content-type"},
			{"POST", "/sse/x/channels", "authorization,content-type"},
			{"POST", "/sse/x/token", "authorization,content-type"},
			{"POST", "/sse/x/messages", "authorization,content-type"},
			{"POST", "/api/sse/x/messages", "content-type"},
		} {
			res, _ := servertest.Do(t, "OPTIONS", base+c.path, "", "Origin: "+origin,
				"Access-Control-Request-Method: "+c.method,
				"Access-Control-Request-Headers: "+c.headers)
			servertest.ExpectHeaders(t, res,
				map[string]string{"Access-Control-Allow-Origin": origin,
					"Access-Control-Allow-Methods":     c.method,
					"Access-Control-Allow-Headers":     c.headers,
					"Access-Control-Allow-Credentials": "true"})
			if res.StatusCode != 204 {
				t.Errorf("%s %s from %s: %d", c.method, c.path, origin, res.StatusCode)
			}
			if res, _ := servertest.Do(t, "OPTIONS", base+c.path, "",
				"Origin: https://evil.example",
				"Access-Control-Request-Method: "+c.method); res.StatusCode != 403 {
				t.Errorf("%s %s from a foreign page: %d", c.method, c.path, res.StatusCode)
			}
		}
	}
}

// A page on another port of this machine opens a stream with its cookie, and one with a ticket.
func TestStreamFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	base := tokenStack(t)
	token := servertest.TokenFor(t, time.Now().Add(time.Hour))
	const origin = "Origin: http://localhost:5173"
	allowed := map[string]string{"Access-Control-Allow-Origin": "http://localhost:5173",
		"Access-Control-Allow-Credentials": "true"}

	res, text := servertest.Do(t, "POST", base+"/sse/tickets", "", origin,
		"Authorization: Bearer "+token)
	servertest.ExpectHeaders(t, res, allowed)
	var issued struct{ Ticket string }
	if err := json.Unmarshal([]byte(text), &issued); err != nil || res.StatusCode != 201 {
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	for path, header := range map[string]string{
		"/sse":                         "Cookie: auth_token=" + token,
		"/sse?ticket=" + issued.Ticket: "X-Request-ID: r1",
	} {
		req, err := http.NewRequest("GET", base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
		req.Header.Set("Origin", "http://localhost:5173")
		res, err := servertest.HTTPClient().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		servertest.ExpectHeaders(t, res, allowed)
		var hello servertest.Connected
		for lines := bufio.NewScanner(res.Body); hello.ClientID == "" && lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				_ = json.Unmarshal([]byte(data), &hello)
			}
		}
		if res.StatusCode != 200 || hello.UserID != "u1" {
			t.Errorf("%s: %d %+v", path, res.StatusCode, hello)
		}
		// The page can read errors too, which have the same headers.
		for _, route := range []string{"channels", "token", "messages"} {
			refused, text := servertest.Do(t, "POST", base+"/sse/"+hello.ClientID+"/"+route, "{}",
				origin, "Content-Type: application/json")
			servertest.ExpectHeaders(t, refused, allowed)
			if refused.StatusCode != 401 && refused.StatusCode != 400 {
				t.Errorf("%s: %d %s", route, refused.StatusCode, text)
			}
		}
		_ = res.Body.Close()
	}
	res, _ = servertest.Do(t, "GET", base+"/sse", "", "Origin: https://evil.example",
		"Cookie: auth_token="+token)
	if res.StatusCode != 403 {
		t.Errorf("from a foreign page: %d", res.StatusCode)
	}
}
