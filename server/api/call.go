package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/rooms"
	"github.com/roomcast/roomcast/server/edge"
)

// call is a request after the checks of its key, parameters and body.
type call struct {
	*http.Request
	header http.Header // of the response
	key    *apiKey
	values map[string]string    // parameters of the path and the query
	body   []byte               // readBody reuses its memory after the response
	json   strictjson.Checked   // body, unless it is a batch
	items  []strictjson.Element // the items of a batch

	target  string // what the body names, for the audit; "" if the path does
	release func() // gives the memory of body back
}

// value returns a parameter of the path or the query, or "" when the request does not have it.
func (c *call) value(name string) string { return c.values[name] }

// number returns an integer parameter, or fallback when the request does not have it.
func (c *call) number(name string, fallback int) int {
	if n, err := strconv.Atoi(c.values[name]); err == nil {
		return n
	}
	return fallback
}

// endpoint returns the handler of a route. It checks what the description of the route promises,
// the cheapest check first: key, rate, parameters, body.
func (h *handler) endpoint(rt *route) http.Handler {
	if rt.serve != nil {
		return rt.serve
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, header: w.Header(), release: func() {}}
		defer func() { c.release() }() // also after a panic
		reply, err := h.answer(rt, c, w)
		h.audit(rt, c, reply, err)
		if err != nil {
			edge.WriteProblem(w, r, err)
			return
		}
		edge.WriteJSON(w, rt.status(), reply)
	})
}

func (h *handler) answer(rt *route, c *call, w http.ResponseWriter) (reply any, err error) {
	if c.key, err = h.keys.check(c.Request); err != nil {
		return nil, err
	}
	if rt.Publishes && h.o.Tracer != nil {
		ctx, ended := h.o.Tracer.Request(c.Request, rt.Path)
		c.Request = c.Request.WithContext(ctx)
		defer func() { ended(statusOf(rt, reply, err)) }()
	}
	if rt.Publishes {
		if err := c.key.budget.spend(1); err != nil {
			return nil, err
		}
		// Before the body takes memory. A request that is repeated may have its answer already.
		if c.Request.Header.Get(headerIdempotency) == "" {
			if err := h.hub.Overloaded(); err != nil {
				return nil, err
			}
		}
	}
	if c.values, err = readParams(rt.Params, c.Request); err != nil {
		return nil, err
	}
	if rt.Body != nil {
		if err := checkMediaType(c.Request); err != nil {
			return nil, err
		}
		if c.body, c.release, err = h.readBody(w, c.Request, rt.Body.batch); err != nil {
			return nil, err
		}
		if err := c.checkBody(rt.Body.batch); err != nil {
			return nil, err
		}
	} else if err := checkNoBody(c.Request); err != nil {
		return nil, err
	}
	reply, err = rt.handle(c)
	if rt.Publishes && err == nil {
		h.logPublish(c, reply)
	}
	return reply, err
}

// statusOf returns the status of the response to a call, which has neither after a panic.
func statusOf(rt *route, reply any, err error) int {
	switch {
	case err != nil:
		return edge.ProblemOf(err).Status
	case reply == nil:
		return http.StatusInternalServerError
	}
	return rt.status()
}

// logPublish logs which key has published.
func (h *handler) logPublish(c *call, reply any) {
	entry := h.log.Check(zap.DebugLevel, "published")
	if entry == nil {
		return
	}
	fields := []zap.Field{zap.String("api_key", c.key.name()), zap.String("path", c.URL.Path),
		zap.String("request_id", edge.InfoOf(c.Request).ID)}
	switch reply := reply.(type) {
	case notify.Receipt:
		fields = append(fields, zap.String("id", reply.ID), zap.Int("delivered", reply.Delivered))
	case []any:
		fields = append(fields, zap.Int("items", len(reply)))
	}
	entry.Write(fields...)
}

// checkNoBody accepts a body without a value, which many HTTP clients send with every request of
// their kind: no bytes, also chunked, or an empty JSON object or array.
func checkNoBody(r *http.Request) error {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	const most = 64 // bytes, spaces included
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return err
	}
	switch string(bytes.Join(bytes.Fields(text), nil)) {
	case "", "{}", "[]", "null":
		if len(text) <= most {
			return nil
		}
	}
	return invalidField("", "body: this route takes no body")
}

// checkBody checks the body and splits it, so that no later step has to check it again. The data of
// a notification is one level below the notification.
func (c *call) checkBody(batch bool) (err error) {
	// No body or item of maxSingleBody has more values. A larger item can, and without a limit its
	// keys would take several times its size.
	rules := strictjson.Rules{Depth: notify.MaxDepth + 1, Values: maxSingleBody / 2}
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

// readParams reads the parameters of a route. It refuses query parameters that the route does not
// declare: a filter with a misspelled name would return more than the caller asked for.
func readParams(params []param, r *http.Request) (map[string]string, error) {
	values := make(map[string]string, len(params))
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalidField("", "query: malformed")
	}
	var known []string
	for _, p := range params {
		var value string
		switch p.In {
		case "path":
			if value, err = url.PathUnescape(mux.Vars(r)[p.Name]); err != nil {
				return nil, invalidField(p.Name, "malformed percent-encoding")
			}
		case "query":
			known = append(known, p.Name)
			given, ok := query[p.Name]
			if !ok {
				continue
			}
			if len(given) > 1 {
				return nil, invalidField(p.Name, "got "+itoa(len(given))+" values, expected one")
			}
			value = given[0]
		default: // the code that uses a header reads it
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
			return nil, invalidField(strictjson.Shorten(name),
				"unknown query parameter, expected "+expected)
		}
	}
	return values, nil
}

// check compares a value with the schema of the parameter. For a user, a channel or a client it
// also applies the rules for such names.
func (p param) check(value string) error {
	if p.Max > 0 {
		n, err := strconv.Atoi(value)
		if err != nil || n < p.Min || n > p.Max || value != itoa(n) {
			return invalidField(p.Name,
				"got "+quoteShort(value)+", expected an integer from "+itoa(p.Min)+
					" to "+itoa(p.Max))
		}
		return nil
	}
	if p.Enum != nil && !slices.Contains(p.Enum, value) {
		return invalidField(p.Name,
			"got "+quoteShort(value)+", expected "+strings.Join(p.Enum, ", "))
	}
	switch p.Names {
	case "user":
		return rooms.CheckUserID(p.Name, value)
	case "channel":
		return rooms.CheckChannel(p.Name, value)
	case "client":
		return rooms.CheckName(p.Name, value, rooms.MaxName)
	case "type":
		return rooms.CheckName(p.Name, value, rooms.MaxType)
	}
	if value == "" {
		return invalidField(p.Name, "got an empty value")
	}
	return nil
}
