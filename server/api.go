package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/notify"
)

// publisher is what the API needs of a *notify.Hub.
type publisher interface {
	Publish(context.Context, notify.Notification, notify.Target) (notify.Receipt, error)
	PublishBatch(context.Context, []notify.Publication) ([]notify.Result, error)
}

// apiOptions configure newAPI.
type apiOptions struct {
	Hub  publisher // required
	Keys []string  // the keys backends may use; without any, all are refused
}

// newAPI returns the handler of everything under /v1: what backends call.
// It expects withRequestInfo around it and sets deadlines for bodies by itself.
func newAPI(o apiOptions) http.Handler {
	keys := newKeyring(o.Keys)
	router := mux.NewRouter()
	// Without SkipClean a doubled slash is answered by a redirect, which turns
	// a POST into a GET.
	router.SkipClean(true)
	router.NotFoundHandler = http.HandlerFunc(notFound)

	router.Path("/v1/notifications").Handler(byMethod{
		http.MethodPost: keys.require(newNotificationsHandler(o.Hub)),
	})
	return withBodyDeadline(bodyTimeout, withAPIHeaders(router))
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
		Detail: "method " + shorten(r.Method) + " is not allowed here, only " + allow})
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
