package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// apiCall is a request whose key, parameters and body were found right.
type apiCall struct {
	*http.Request
	header http.Header // of the answer
	key    *apiKey     // nil on an open route
	values map[string]string
	body   []byte // as it came; its memory is used again after the answer
	json   strictjson.Checked
	items  []strictjson.Element // in place of json, of a batch
}

// value returns a parameter of the path or the query, "" when it was left out.
func (c *apiCall) value(name string) string { return c.values[name] }

// number returns a parameter that is an integer, or standard.
func (c *apiCall) number(name string, standard int) int {
	if n, err := strconv.Atoi(c.values[name]); err == nil {
		return n
	}
	return standard
}

// handler does for every route what its description promises, in the order that
// costs least: key, rate, parameters, body.
func (a *api) handler(route *apiRoute) http.Handler {
	if route.serve != nil {
		return route.serve
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, release, err := a.answer(route, w, r)
		defer release()
		if err != nil {
			edge.WriteProblem(w, r, err)
			return
		}
		edge.WriteJSON(w, route.status(), reply)
	})
}

func (a *api) answer(route *apiRoute, w http.ResponseWriter, r *http.Request) (reply any, release func(), err error) {
	release = func() {}
	c := &apiCall{Request: r, header: w.Header()}
	if c.key, err = a.keys.check(r); err != nil {
		return nil, release, err
	}
	if route.Publishes {
		if err := c.key.spend(1); err != nil {
			return nil, release, err
		}
	}
	if c.values, err = readParams(route.Params, r); err != nil {
		return nil, release, err
	}
	if route.Body != nil {
		if err := checkMediaType(r); err != nil {
			return nil, release, err
		}
		if c.body, release, err = a.readBody(w, r, route.Body.batch); err != nil {
			return nil, release, err
		}
		if err := c.checkBody(route.Body.batch); err != nil {
			return nil, release, err
		}
	} else if r.Body != nil && r.ContentLength != 0 {
		return nil, release, invalidField("", "body: this route takes none")
	}
	reply, err = route.handle(c)
	return reply, release, err
}

// checkBody checks the body once, for everyone who takes it apart. Data of a
// notification is one level below it.
func (c *apiCall) checkBody(batch bool) (err error) {
	rules := strictjson.Rules{Depth: notify.MaxDepth + 1}
	if batch && strictjson.KindOf(c.body) == strictjson.Array {
		c.items, err = strictjson.SplitElements(c.body, notify.MaxBatch, rules)
	} else {
		c.json, err = strictjson.Split(c.body, rules)
	}
	var refused *strictjson.Error
	switch {
	case errors.Is(err, strictjson.ErrTooMany):
		return invalidField("", "body: got an array of more than "+itoa(notify.MaxBatch)+
			" notifications, expected at most "+itoa(notify.MaxBatch)+"; nothing was sent")
	case errors.As(err, &refused) && refused.Path == "":
		return invalidField("", "body: "+refused.Reason)
	case refused != nil:
		return invalidField(refused.Path, refused.Reason)
	}
	return err
}

// readParams reads what the route declares and refuses anything else: a filter
// with a typing error would show more than was asked for.
func readParams(params []apiParam, r *http.Request) (map[string]string, error) {
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
			return nil, invalidField(strictjson.Shorten(name), "unknown query parameter, expected "+expected)
		}
	}
	return values, nil
}

// check holds a value against the schema of the parameter and, for the name of
// something, the rules of such names.
func (p apiParam) check(value string) error {
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
