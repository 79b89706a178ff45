package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/gorilla/mux"
	"github.com/gorilla/websocket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// application starts an application behind the server. It returns the requests that it gets, echoes
// messages on /ws, and streams on /feed.
func application(t *testing.T) *url.URL {
	t.Helper()
	address := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ws":
			echo(w, r)
		case "/feed":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: first\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			body, _ := io.ReadAll(r.Body)
			w.Header().Set(edge.HeaderRequestID, "the application's")
			w.Header().Set("X-Seen", r.Method+" "+r.RequestURI)
			w.WriteHeader(http.StatusTeapot)
			_ = json.NewEncoder(w).Encode(map[string]any{"host": r.Host, "header": r.Header,
				"body": string(body)})
		}
	}))
	return &url.URL{Scheme: "http", Host: address}
}

// echo upgrades to a websocket and returns its messages.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool {
		return true
	}}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// serveUpstream serves the route /own itself and all others by the application at origin, as
// Service.Handler does.
func serveUpstream(
	t *testing.T, origin *url.URL, trusted ...netip.Prefix,
) (address string, u *upstream) {
	t.Helper()
	router := mux.NewRouter()
	router.SkipClean(true)
	router.NotFoundHandler = http.HandlerFunc(edge.NotFound)
	router.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "own")
	}).Methods(http.MethodGet)
	u = newUpstream(origin, trusted, nil, zap.NewNop())
	handler := u.fallback(router, edge.WithCORS(edge.OwnOrigin, nil, router))
	log := zap.NewNop()
	address = servertest.Serve(t, edge.WithInfo(trusted,
		edge.WithLog(log, nil, edge.WithRecovery(log, handler))))
	t.Cleanup(u.close)
	return address, u
}

// seen is a request as the application saw it.
type seen struct {
	Host, Body string
	Header     http.Header
}

func askApplication(t *testing.T, r *http.Request) (*http.Response, seen) {
	t.Helper()
	res, err := servertest.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var s seen
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		t.Fatalf("%d: %v", res.StatusCode, err)
	}
	return res, s
}
