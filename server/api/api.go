// Package api answers backends: it publishes, lists and disconnects, and describes itself as OpenAPI.
package api

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// Options configure newAPI. Hub must be given.
type Options struct {
	Hub        *notify.Hub
	Keys       []string // the keys backends may use, see auth.ParseAPIKey; without any, all are refused
	Rate       int      // notifications a second that a key may publish, 0: any number
	Burst      int      // and at once
	Tickets    ticketIssuer
	Mode       auth.Mode        // how clients say who they are
	Live       http.HandlerFunc // answers /livez
	Ready      http.HandlerFunc // answers /readyz
	StreamPath string           // where streams are, to describe what clients do beside them; "": nowhere
}

// ticketIssuer is what the API needs of *auth.Tickets.
type ticketIssuer interface {
	Issue(userID, username string, channels []string, ttl time.Duration) (ticket string, expires time.Time, err error)
	Revoke(userID string) int
}

// handler serves the routes of routeTable.
type handler struct {
	o         Options
	hub       *notify.Hub
	keys      *keyring
	large     chan *bytes.Buffer // a buffer for each large body that is read at one time
	objects   []*object
	routes    []route
	described []route // routes, and those of streams
	document  []byte  // /openapi.json
	page      []byte  // /docs
}

// New returns the handler of what backends call and of its description. It
// expects withRequestInfo around it and sets deadlines for bodies by itself.
func New(o Options) http.Handler {
	return edge.WithBodyDeadline(edge.BodyTimeout, edge.WithAPIHeaders(newHandler(o).router()))
}

func newHandler(o Options) *handler {
	h := &handler{o: o, hub: o.Hub, keys: newKeyring(o.Keys, o.Rate, o.Burst), large: newLargeBodies()}
	c := newComponents()
	h.objects, h.routes = c.all(), h.routeTable(c)
	h.described = append(slices.Clone(h.routes), h.streamRoutes(c)...)
	h.document, h.page = openAPI(h.described, h.objects), docsPage(h.described, h.objects)
	return h
}

func (h *handler) router() http.Handler {
	router := mux.NewRouter()
	// Without SkipClean a doubled slash is answered by a redirect, which turns
	// a POST into a GET. Names in a path may hold an escaped slash.
	router.SkipClean(true)
	router.UseEncodedPath()
	router.NotFoundHandler = http.HandlerFunc(edge.NotFound)

	paths := map[string]edge.ByMethod{}
	for i := range h.routes {
		r := &h.routes[i]
		if paths[r.Path] == nil {
			paths[r.Path] = edge.ByMethod{}
			router.Path(r.Path).Handler(paths[r.Path])
		}
		paths[r.Path][r.Method] = h.endpoint(r)
	}
	router.Path("/v1/notifications/{kind}").HandlerFunc(noSuchKind)
	return router
}

// Paths are the paths that the outer router gives to the API, besides all
// below /v1/.
func Paths() []string {
	return []string{"/v1", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js"}
}

func noSuchKind(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, kind := range notify.Kinds() {
		names = append(names, kind.Name)
	}
	edge.WriteProblem(w, r, &edge.Problem{Status: http.StatusNotFound, Code: edge.CodeNotFound, Field: "kind",
		Detail: "kind: got " + quoteShort(mux.Vars(r)["kind"]) + ", expected one of " + strings.Join(names, ", ")})
}
