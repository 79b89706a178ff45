package api

import (
	"net/http"
	"slices"
)

// route is one route of the API. The router, the OpenAPI document and the page at /docs are built
// from one table of routes, so that they always agree.
type route struct {
	Method, Path string
	ID           string // operationId
	Group        string // heading in the description
	Summary      string // imperative, without a full stop
	Doc          string // sentences after the summary
	Params       []param
	Body         *requestBody // nil: the route takes no body
	Status       int          // of a successful response; 0 is 200
	Reply        schema
	Example      string // of the reply, as JSON
	Errors       []int  // error statuses that errors does not derive from the other fields
	Open         bool   // needs no API key
	Client       bool   // for clients, with the credentials of a stream; package sse serves it
	Publishes    bool   // spends the rate of the key and takes an Idempotency-Key
	busy         bool   // can also return 503 with the reply of a successful response

	handle func(*call) (any, error)
	serve  http.Handler // replaces handle; the handler checks nothing before it
	media  string       // type of the reply; "" is JSON
}

// param is a parameter of the path, the query or a header.
type param struct {
	Name, In string
	Doc      string
	Example  string
	Required bool
	Many     bool // the parameter may be repeated
	Enum     []string
	Min, Max int    // of an integer; with Max 0 the parameter is a string
	Names    string // "user", "channel", "client" or "type" when the value is the name of one
}

// requestBody is the JSON body of a route.
type requestBody struct {
	Object  *object
	Example string
	batch   bool // an array of up to notify.MaxBatch objects is valid too
}

// object is a JSON object, which is a component of the OpenAPI document.
type object struct {
	Name   string // of the component
	Doc    string
	Fields []field
	exact  bool // it has exactly one of the fields
}

// field is a field of an object.
type field struct {
	Name     string
	Required bool
	Doc      string
	Schema   schema
}

// schema is a JSON Schema of the draft 2020-12, which OpenAPI 3.1 uses.
type schema = map[string]any

// status returns the status of a successful response.
func (r *route) status() int {
	if r.Status == 0 {
		return http.StatusOK
	}
	return r.Status
}

// errors returns the sorted statuses of all problems that the route can return.
func (r *route) errors() []int {
	all := slices.Clone(r.Errors)
	if r.serve != nil {
		return all
	}
	all = append(all, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusTooManyRequests, http.StatusInternalServerError)
	if r.Body != nil {
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusServiceUnavailable)
	}
	if r.Publishes {
		all = append(all, http.StatusConflict)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// params returns Params and, for a route that publishes, the Idempotency-Key.
func (r *route) params() []param {
	if !r.Publishes {
		return r.Params
	}
	return append(slices.Clone(r.Params), param{
		Name: headerIdempotency, In: "header", Example: "order-17-paid",
		Doc: "A name for this request, 1 to " + itoa(maxIdempotencyKey) +
			" visible ASCII characters. For " + minutes(answerTTL) +
			", the same request with the same key returns the first response and sends nothing; " +
			"another request with the same key is a conflict.",
	})
}
