package api

import (
	"net/http"
	"testing"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// testOptions are the options that tests serve the API with.
func testOptions(hub *notify.Hub, keys ...string) Options {
	return Options{Hub: hub, Keys: keys, Tickets: auth.NewTickets(nil), Mode: auth.ModeOpen,
		Live: probe(http.StatusOK, `{"status":"ok"}`), Ready: probe(http.StatusOK, `{"status":"ready"}`)}
}

// probe answers /livez or /readyz as the service does.
func probe(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { edge.WriteJSON(w, status, edge.RawJSON(body)) }
}

// serveHub serves the API on the hub the way the program does and returns the
// base URL.
func serveHub(t testing.TB, hub *notify.Hub) string {
	t.Helper()
	return "http://" + servertest.Serve(t, edge.WithInfo(nil, New(testOptions(hub, servertest.Key))))
}
