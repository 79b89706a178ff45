// Package api serves the HTTP API for backends and its OpenAPI description.
package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/cluster"
	"github.com/roomcast/roomcast/server/edge"
)

// Options configure the handler that New returns. Hub, Live and Ready are required.
type Options struct {
	Hub *notify.Hub

	// Keys are the API keys of backends, in the form that auth.ParseAPIKey reads. Without a key the
	// API refuses every request.
	Keys []string

	// Rate is the number of notifications that each key may publish per second, and Burst the
	// number that it may publish at once. With Rate 0 there is no limit.
	Rate, Burst int

	// Keyring has the keys, when the caller wants to replace them later; nil: one is made of Keys,
	// Rate and Burst.
	Keyring *Keyring

	Log *zap.Logger // which key published what, at debug level; nil: no log

	Audit *edge.Audit // gets what keys change, and what is refused; nil: nobody does

	// Tracer traces the requests that publish; nil: nobody does.
	Tracer Tracer

	// Tickets issues tickets for POST /v1/tickets. With nil the route does not exist.
	Tickets ticketIssuer

	// Asker waits for acknowledgements of POST /v1/emit. With nil the route cannot wait for them.
	Asker Asker

	// Servers tells the other Socket.IO servers of a cluster, which do not answer the Bus, what
	// changes for the clients of a user; nil: there are none.
	Servers Servers

	Mode  auth.Mode        // how clients authenticate, for GET /v1/stats
	Live  http.HandlerFunc // serves GET /livez
	Ready http.HandlerFunc // serves GET /readyz

	Bus Bus // reaches the other nodes of a cluster, which have connections, too; nil: there are none

	// StreamPath is the path of EventSource streams. The description lists the requests that
	// clients send next to their stream below it; "" leaves them out.
	StreamPath string
}

// Tracer begins the trace of a request, or continues that of the caller. The context is for the rest
// of the request, and ended gets the status of the response.
type Tracer interface {
	Request(r *http.Request, route string) (_ context.Context, ended func(status int))
}

// Bus is a cluster.Bus that knows which node this is.
type Bus interface {
	cluster.Bus
	Self() cluster.Node
}

// ticketIssuer has the methods of *auth.Tickets that the API calls.
type ticketIssuer interface {
	Issue(
		userID, username string, channels []string, ttl time.Duration,
	) (ticket string, expires time.Time, err error)
	Revoke(userID string) (revoked int, err error)
}

// handler serves the routes of routeTable. Any goroutine may call its methods.
type handler struct {
	o         Options
	hub       *notify.Hub
	keys      *Keyring
	log       *zap.Logger
	large     largeBodies // see readBody
	objects   []*object
	routes    []route       // the routes that this handler serves
	described []route       // routes, and the ones of streams
	document  func() []byte // /openapi.json; both are rendered by the first request
	page      func() []byte // /docs
}

// New returns the handler of the API and of its description. The caller wraps it with
// edge.WithInfo; the handler sets the deadlines of request bodies itself.
func New(o Options) http.Handler {
	return edge.WithBodyDeadline(edge.BodyTimeout, edge.WithAPIHeaders(newHandler(o).router()))
}

func newHandler(o Options) *handler {
	h := &handler{
		o: o, hub: o.Hub, keys: o.Keyring, log: o.Log, large: newLargeBodies(),
	}
	if h.keys == nil {
		h.keys = NewKeyring(o.Keys, o.Rate, o.Burst, nil)
	}
	if h.log == nil {
		h.log = zap.NewNop()
	}
	c := newComponents()
	h.objects, h.routes = c.all(), h.routeTable(c)
	h.described = append(slices.Clone(h.routes), h.streamRoutes(c)...)
	if o.Bus != nil {
		h.answerNodes()
	}
	h.document = sync.OnceValue(func() []byte { return openAPI(h.described, h.objects) })
	h.page = sync.OnceValue(func() []byte { return docsPage(h.described, h.objects) })
	return h
}

func (h *handler) router() http.Handler {
	router := mux.NewRouter()
	// Without SkipClean the router redirects paths with a double slash, and a redirect turns POST
	// into GET. With the encoded path, a name in it can contain a slash.
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

// Paths returns the paths that the caller must route to the handler, in addition to everything
// below /v1/.
func Paths() []string {
	return []string{
		"/v1", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js",
	}
}

func noSuchKind(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, kind := range catalogue.Kinds() {
		names = append(names, kind.Name)
	}
	edge.WriteProblem(w, r, &edge.Problem{
		Status: http.StatusNotFound, Code: edge.CodeNotFound, Field: "kind",
		Detail: "kind: got " + quoteShort(mux.Vars(r)["kind"]) + ", expected one of " +
			strings.Join(names, ", "),
	})
}
