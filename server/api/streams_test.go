package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/sse"
)

// The routes that package sse serves return the responses in the description of the API.
func TestContractOfStreams(t *testing.T) {
	t.Parallel()
	base := serveStreams(t)
	c := newContract(t, base)
	token := servertest.SignHS256(t, servertest.Secret, map[string]any{
		"sub": "u1", "exp": time.Now().Add(time.Hour).Unix(), "channels": "*", "publish": "*",
	})
	other := servertest.SignHS256(t, servertest.Secret, map[string]any{
		"sub": "u2", "exp": time.Now().Add(time.Hour).Unix(), "publish": "*",
	})
	res, err := servertest.HTTPClient().Get(base + "/sse?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var hello servertest.Connected
	for lines := bufio.NewScanner(res.Body); hello.ClientID == "" && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			_ = json.Unmarshal([]byte(data), &hello)
		}
	}
	described := (&handler{o: Options{StreamPath: "/sse"}}).streamRoutes(newComponents())
	if len(described) != 6 {
		t.Fatalf("%d routes", len(described))
	}
	for i := range described {
		r := &described[i]
		path, body := strings.Replace(r.Path, "{clientId}", hello.ClientID, 1), ""
		var media []string
		if r.Body != nil {
			body, media = r.Body.Example, []string{"Content-Type: application/json"}
		}
		if r.ID == "renewStreamToken" {
			body = `{"token":"` + token + `"}`
		}
		ask := func(want int, path, body string, headers ...string) {
			t.Helper()
			if status, text, wrong := c.ask(t, r.Method, path, body,
				append(headers, media...)...); status != want || status < 400 && wrong != nil {
				t.Errorf("%s: %d %s, want %d; %v", path, status, text, want, wrong)
			}
		}
		bearer := "Authorization: Bearer " + token
		if r.media == streamMedia {
			const query = "?channel=geo:52.52,13.40&channel=b&channels=c,d"
			ask(r.status(), path+query+"&full=1", body, bearer)
			ask(http.StatusUnauthorized, path+query, body)
			ask(http.StatusBadRequest, path+"?as=a,b", body, bearer)
			continue
		}
		ask(r.status(), path, body, bearer)
		if r.Open {
			ask(r.status(), path, body)
			continue
		}
		if r.Body == nil {
			ask(http.StatusUnauthorized, path, body)
			continue
		}
		ask(http.StatusNotFound, strings.Replace(r.Path, "{clientId}", "c9", 1), body, bearer)
		ask(http.StatusBadRequest, path, `{"nonsense":1}`, bearer)
		ask(http.StatusRequestEntityTooLarge, path,
			`{"x":"`+strings.Repeat("x", maxSingleBody)+`"}`, bearer)
		if r.ID == "renewStreamToken" {
			body = `{"token":"` + other + `"}`
		}
		ask(http.StatusForbidden, path, body, "Authorization: Bearer "+other)
	}
}

// Without StreamPath the description has no routes for streams.
func TestNoStreamPath(t *testing.T) {
	t.Parallel()
	if routes := (&handler{}).streamRoutes(newComponents()); routes != nil {
		t.Errorf("%d routes", len(routes))
	}
}

// serveStreams serves streams in token mode.
func serveStreams(t *testing.T) (base string) {
	t.Helper()
	tickets := auth.NewTickets(nil)
	authenticator, err := auth.New(auth.Options{
		Secret: auth.Secret(servertest.Secret), Tickets: tickets,
	})
	if err != nil {
		t.Fatal(err)
	}
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Tickets = servertest.NewHub(t), authenticator, tickets
	so.Problem = edge.WriteProblem
	so.Admit = func(r *http.Request, _ auth.Identity) (func(), error) {
		if r.URL.Query().Has("full") { // a stream that ends at once
			return nil, sse.ErrOverloaded
		}
		return nil, nil
	}
	streams, err := sse.New(so)
	if err != nil {
		t.Fatal(err)
	}
	routes := http.NewServeMux()
	routes.Handle("/openapi.json", New(Options{Hub: servertest.NewHub(t), StreamPath: "/sse"}))
	routes.Handle("/sse", streams.Stream(""))
	routes.Handle("/sse/position", streams.Position())
	routes.Handle("/sse/tickets", streams.Tickets())
	routes.Handle("/sse/{clientId}/channels", streams.Channels())
	routes.Handle("/sse/{clientId}/messages", streams.Messages())
	routes.Handle("/sse/{clientId}/token", streams.Token())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
		defer cancel()
		if err := streams.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return "http://" + servertest.Serve(t,
		edge.WithInfo(nil, edge.WithBodyDeadline(edge.BodyTimeout, routes)))
}
