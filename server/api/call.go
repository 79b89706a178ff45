package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// call is a request whose key, parameters and body were found right.
type call struct {
	*http.Request
	header http.Header // of the answer
	key    *apiKey     // nil on an open route
	values map[string]string
	body   []byte // JSON; its memory is used again after the answer
}

// value returns a parameter of the path or the query, "" when it was left out.
func (c *call) value(name string) string { return c.values[name] }

// number returns a parameter that is an integer, or standard.
func (c *call) number(name string, standard int) int {
	if n, err := strconv.Atoi(c.values[name]); err == nil {
		return n
	}
	return standard
}

// endpoint does for every route what its description promises, in the order that
// costs least: key, rate, parameters, body.
func (h *handler) endpoint(rt *route) http.Handler {
	if rt.serve != nil {
		return rt.serve
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, release, err := h.answer(rt, w, r)
		defer release()
		if err != nil {
			edge.WriteProblem(w, r, err)
			return
		}
		edge.WriteJSON(w, rt.status(), reply)
	})
}

func (h *handler) answer(rt *route, w http.ResponseWriter, r *http.Request) (reply any, release func(), err error) {
	release = func() {}
	c := &call{Request: r, header: w.Header()}
	if c.key, err = h.keys.check(r); err != nil {
		return nil, release, err
	}
	if rt.Publishes {
		if err := c.key.spend(1); err != nil {
			return nil, release, err
		}
	}
	if c.values, err = readParams(rt.Params, r); err != nil {
		return nil, release, err
	}
	if rt.Body != nil {
		if err := checkMediaType(r); err != nil {
			return nil, release, err
		}
		if c.body, release, err = h.readBody(w, r, rt.Body.batch); err != nil {
			return nil, release, err
		}
		if err := checkJSONText(c.body); err != nil {
			return nil, release, invalidField("", "body: "+err.Error())
		}
	} else if r.Body != nil && r.ContentLength != 0 {
		return nil, release, invalidField("", "body: this route takes none")
	}
	reply, err = rt.handle(c)
	return reply, release, err
}

// readParams reads what the route declares and refuses anything else: a filter
// with a typing error would show more than was asked for.
func readParams(params []param, r *http.Request) (map[string]string, error) {
	values := make(map[string]string, len(params))
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalidField("", "query: not well formed")
	}
	var known []string
	for _, p := range params {
		var value string
		switch p.In {
		case "path":
			if value, err = url.PathUnescape(mux.Vars(r)[p.Name]); err != nil {
				return nil, invalidField(p.Name, "not well escaped")
			}
		case "query":
			known = append(known, p.Name)
			came, ok := query[p.Name]
			if !ok {
				continue
			}
			if len(came) > 1 {
				return nil, invalidField(p.Name, "got "+itoa(len(came))+" of them, expected one")
			}
			value = came[0]
		default: // headers are read where they are used
			continue
		}
		if err := p.check(value); err != nil {
			return nil, err
		}
		values[p.Name] = value
	}
	for name := range query {
		if !slices.Contains(known, name) {
			expected := "none"
			if len(known) > 0 {
				expected = "one of " + strings.Join(known, ", ")
			}
			return nil, invalidField(notify.Shorten(name), "unknown query parameter, expected "+expected)
		}
	}
	return values, nil
}

// check holds a value against the schema of the parameter and, for the name of
// something, the rules of such names.
func (p param) check(value string) error {
	if p.Max > 0 {
		n, err := strconv.Atoi(value)
		if err != nil || n < p.Min || n > p.Max || value != itoa(n) {
			return invalidField(p.Name, "got "+quoteShort(value)+", expected an integer from "+itoa(p.Min)+" to "+itoa(p.Max))
		}
		return nil
	}
	if p.Enum != nil && !slices.Contains(p.Enum, value) {
		return invalidField(p.Name, "got "+quoteShort(value)+", expected "+strings.Join(p.Enum, ", "))
	}
	switch p.Names {
	case "user":
		return rooms.CheckUserID(p.Name, value)
	case "channel":
		return rooms.CheckChannel(p.Name, value)
	case "client":
		return rooms.CheckName(p.Name, value, rooms.MaxName)
	}
	if value == "" {
		return invalidField(p.Name, "got nothing, expected a value")
	}
	return nil
}
