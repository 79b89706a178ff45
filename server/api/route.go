package api

import (
	"net/http"
	"slices"
)

// route is one route of the API. Router, OpenAPI document and the page at
// /docs are made from one table of these, so none of them can say anything that
// the others do not.
type route struct {
	Method, Path string
	ID           string // operationId
	Group        string // the heading it stands under
	Summary      string // half a sentence
	Doc          string // what else there is to know
	Params       []param
	Body         *requestBody // nil: none
	Status       int          // of success; 0 is 200
	Reply        schema
	Example      string // of a reply, JSON
	Errors       []int  // statuses besides those that the rest of the row implies
	Open         bool   // no API key
	Client       bool   // no API key, but what a stream shows; served elsewhere
	Publishes    bool   // counts against the rate of the key, takes an Idempotency-Key
	busy         bool   // it also answers 503 with the object of success

	handle func(*call) (any, error)
	serve  http.Handler // in place of handle, without any check
	media  string       // of the reply, "" is JSON
}

// param is a parameter of path, query or header.
type param struct {
	Name, In string
	Doc      string
	Example  string
	Required bool
	Enum     []string
	Min, Max int    // Max > 0 makes it an integer
	Names    string // "user", "channel", "client": the name of one
}

// requestBody is the JSON that a route takes.
type requestBody struct {
	Object  *object
	Example string
	batch   bool // or an array of up to notify.MaxBatch of it
}

// object is a JSON object: a component of the OpenAPI document.
type object struct {
	Name   string // of the component
	Doc    string
	Fields []field
	exact  bool // exactly one of the fields
}

// field is a field of an object.
type field struct {
	Name     string
	Required bool
	Doc      string
	Schema   schema
}

// schema is a JSON Schema of the 2020-12 draft, as OpenAPI 3.1 uses it.
type schema = map[string]any

// status is the status of success.
func (r *route) status() int {
	if r.Status == 0 {
		return http.StatusOK
	}
	return r.Status
}

// errors are all statuses of problems that the route can answer, in order.
func (r *route) errors() []int {
	all := slices.Clone(r.Errors)
	if r.serve != nil {
		return all
	}
	all = append(all, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
		http.StatusInternalServerError)
	if r.Body != nil {
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusServiceUnavailable)
	}
	if r.Publishes {
		all = append(all, http.StatusConflict)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// params are those of the row and those that the rest of it implies.
func (r *route) params() []param {
	if !r.Publishes {
		return r.Params
	}
	return append(slices.Clone(r.Params), param{
		Name: headerIdempotency, In: "header", Example: "order-17-paid",
		Doc: "A name for this request, up to " + itoa(maxIdempotencyKey) + " visible ASCII characters. The same request with the same key is " +
			"answered as before and not sent again, for " + minutes(answerTTL) + "; another request with it is a conflict.",
	})
}
