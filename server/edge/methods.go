package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/roomcast/roomcast/notify/strictjson"
)

// ByMethod calls the handler of the request's method, or answers with a 405 that lists the methods.
// HEAD is GET without the body; net/http drops it.
type ByMethod map[string]http.Handler

func (m ByMethod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := m[method]; ok {
		h.ServeHTTP(w, r)
		return
	}
	allow := m.allow()
	WriteProblem(w, r, &Problem{Status: http.StatusMethodNotAllowed, Code: CodeMethodNotAllowed, allow: allow,
		Detail: "method " + strictjson.Shorten(r.Method) + " is not allowed, expected " + allow})
}

func (m ByMethod) allow() string {
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

func NotFound(w http.ResponseWriter, r *http.Request) { WriteProblem(w, r, errNotFound) }
