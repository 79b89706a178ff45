package socketio

import (
	"cmp"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// maxSocketRooms bounds the rooms of one client in an answer.
const maxSocketRooms = 4096

// socket describes a client for other servers, as Node does.
func (c *Conn) socket() nodewire.Socket {
	names := []string{c.ID()}
	for _, name := range c.Rooms() {
		if name != c.ID() && len(names) < maxSocketRooms {
			names = append(names, strings.ToValidUTF8(name, "\ufffd"))
		}
	}
	s := nodewire.Socket{ID: c.ID(), Rooms: names}
	s.Handshake, _ = marshal(c.nodeHandshake())
	if d := c.data.Load(); d != nil {
		s.Data = d.text
	}
	for _, app := range c.client.srv.apps {
		if a, ok := app.App.(DataApp); ok && s.Data == nil {
			if data := a.Data(c); data != nil && isPlain(reflect.TypeOf(data)) {
				s.Data, _ = marshal(data)
			}
		}
	}
	return s
}

// isPlain reports whether a value of a type is a copy that nobody can change: a number, a text, or a
// struct or array of such. A json.RawMessage counts as one.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice:
		return t == reflect.TypeFor[json.RawMessage]()
	case reflect.Struct:
		for i := range t.NumField() {
			if !isPlain(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return isPlain(t.Elem())
	default:
		return t.Kind() == reflect.String || t.Kind() <= reflect.Complex128
	}
}

// nodeHandshake is the handshake of a Node server in JSON.
type nodeHandshake struct {
	Headers map[string]string `json:"headers"`
	Time    string            `json:"time"`
	Address string            `json:"address"`
	XDomain bool              `json:"xdomain"`
	Secure  bool              `json:"secure"`
	Issued  int64             `json:"issued"`
	URL     string            `json:"url"`
	Query   map[string]any    `json:"query"`
	Auth    json.RawMessage   `json:"auth"`
}

// nodeTime is how JavaScript writes a time in UTC.
const nodeTime = "Mon Jan 02 2006 15:04:05 GMT+0000 (Coordinated Universal Time)"

func (c *Conn) nodeHandshake() nodeHandshake {
	h := c.Handshake()
	at := h.Time.UTC()
	n := nodeHandshake{
		Headers: make(map[string]string, len(h.Headers)), Time: at.Format(nodeTime),
		Address: h.Address, XDomain: h.Headers.Get("Origin") != "", Secure: h.Secure,
		Issued: at.UnixMilli(), URL: h.URL, Query: queryOf(h.Query),
		Auth: json.RawMessage(cmp.Or(string(h.Auth), "{}")),
	}
	for name, values := range h.Headers {
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		n.Headers[strings.ToLower(name)] = strings.Join(values, separator)
	}
	return n
}

// queryOf returns a query as Node parses it: a parameter that is there more than once is an array.
func queryOf(q url.Values) map[string]any {
	query := make(map[string]any, len(q))
	for name, values := range q {
		if query[name] = any(values); len(values) == 1 {
			query[name] = values[0]
		}
	}
	return query
}
