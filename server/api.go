package server

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/catalogue"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// apiOptions configure newAPI. Hub must be given.
type apiOptions struct {
	Hub        *notify.Hub
	Keys       []string // the keys backends may use, see auth.ParseAPIKey; without any, all are refused
	Rate       int      // notifications a second that a key may publish, 0: any number
	Burst      int      // and at once
	Tickets    ticketOffice
	Connection func(*notify.Member) connectionView
	Mode       auth.Mode // how clients say who they are
	Health     *health
	StreamPath string // where streams are, to describe what clients do beside them; "": nowhere
}

// ticketOffice is what the API needs of *auth.Tickets.
type ticketOffice interface {
	Issue(userID, username string, channels []string, ttl time.Duration) (ticket string, expires time.Time, err error)
	Revoke(userID string) int
}

// api serves the routes of apiRoutes.
type api struct {
	o         apiOptions
	hub       *notify.Hub
	keys      *keyring
	large     chan *bytes.Buffer // a buffer for each large body that is read at one time
	objects   []*apiObject
	routes    []apiRoute
	described []apiRoute // routes, and those of streams
	document  []byte     // /openapi.json
	page      []byte     // /docs
}

// newAPI returns the handler of what backends call and of its description. It
// expects withRequestInfo around it and sets deadlines for bodies by itself.
func newAPI(o apiOptions) http.Handler {
	return withBodyDeadline(bodyTimeout, withAPIHeaders(newAPIParts(o).router()))
}

func newAPIParts(o apiOptions) *api {
	if o.Health == nil {
		o.Health = &health{}
	}
	a := &api{o: o, hub: o.Hub, keys: newKeyring(o.Keys, o.Rate, o.Burst), large: newLargeBodies()}
	objects := newAPIObjects()
	a.objects, a.routes = objects.all(), a.apiRoutes(objects)
	a.described = append(slices.Clone(a.routes), a.streamRoutes(objects)...)
	a.document, a.page = openAPI(a.described, a.objects), docsPage(a.described, a.objects)
	return a
}

func (a *api) router() http.Handler {
	router := mux.NewRouter()
	// Without SkipClean a doubled slash is answered by a redirect, which turns
	// a POST into a GET. Names in a path may hold an escaped slash.
	router.SkipClean(true)
	router.UseEncodedPath()
	router.NotFoundHandler = http.HandlerFunc(notFound)

	paths := map[string]byMethod{}
	for i := range a.routes {
		route := &a.routes[i]
		if paths[route.Path] == nil {
			paths[route.Path] = byMethod{}
			router.Path(route.Path).Handler(paths[route.Path])
		}
		paths[route.Path][route.Method] = a.handler(route)
	}
	router.Path("/v1/notifications/{kind}").HandlerFunc(noSuchKind)
	return router
}

// apiPaths are the paths that the outer router gives to the API, besides all
// below /v1/.
func apiPaths() []string {
	return []string{"/v1", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/docs.css", "/docs/docs.js"}
}

// byMethod answers each method of a route by its handler; another gets a 405
// that names these. HEAD is GET without the body, as net/http makes it.
type byMethod map[string]http.Handler

func (m byMethod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := m[method]; ok {
		h.ServeHTTP(w, r)
		return
	}
	allow := m.allow()
	WriteProblem(w, r, &Problem{Status: http.StatusMethodNotAllowed, Code: codeMethod, allow: allow,
		Detail: "method " + strictjson.Shorten(r.Method) + " is not allowed here, only " + allow})
}

func (m byMethod) allow() string {
	var methods []string
	for method := range m {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

func notFound(w http.ResponseWriter, r *http.Request) { WriteProblem(w, r, errNotFound) }

func noSuchKind(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, kind := range catalogue.Kinds() {
		names = append(names, kind.Name)
	}
	WriteProblem(w, r, &Problem{Status: http.StatusNotFound, Code: codeNotFound, Field: "kind",
		Detail: "kind: got " + quoteShort(mux.Vars(r)["kind"]) + ", expected one of " + strings.Join(names, ", ")})
}
