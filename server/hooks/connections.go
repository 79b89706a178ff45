package hooks

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/roomcast/roomcast/server/socketio"
)

// openedData is the data of a request with the type "connection".
type openedData struct {
	Connection connectionData `json:"connection"`
	Recovered  bool           `json:"recovered,omitempty"`
	Handshake  handshakeData  `json:"handshake"`
}

// handshakeData has the members of socket.handshake of a Node server that handlers use.
type handshakeData struct {
	Auth    json.RawMessage   `json:"auth"`
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"`
	Address string            `json:"address"`
}

// closedData is the data of a request with the type "disconnect".
type closedData struct {
	Connection connectionData `json:"connection"`
	Reason     string         `json:"reason"`
}

// Connect lets every client in that has authenticated. The data of the connect hook becomes data of
// the connection. With Events.Connections it then asks the handler, whose emits to the client follow
// the answer to its CONNECT. A handler that fails keeps no client out, as it does not end the
// connections that exist.
func (h *EventHook) Connect(ctx context.Context, c *socketio.Conn) error {
	h.Renewed(c)
	if !h.o.Events.Connections {
		return nil
	}
	handshake := handshakeOf(c.Handshake())
	_ = h.handle(ctx, c, message{
		kind: "connection", size: handshake.size(),
		data: openedData{connectionOf(c), c.Recovered(), handshake},
	})
	return nil
}

// Disconnect posts that a client has left, after its events. Only the emits of the answer are done.
func (h *EventHook) Disconnect(c *socketio.Conn, reason string) {
	if !h.o.Events.Connections {
		return
	}
	_ = h.handle(c.Context(), c, message{
		kind: "disconnect", left: true, data: closedData{connectionOf(c), reason},
	})
}

// handshakeOf returns what handlers see of a handshake. Of several values the last one counts, as in
// the query of a Node server; headers are joined.
func handshakeOf(from socketio.Handshake) handshakeData {
	h := handshakeData{
		Auth: from.Auth, Address: from.Address,
		Query: map[string]string{}, Headers: map[string]string{},
	}
	for name, values := range from.Query {
		h.Query[name] = values[len(values)-1]
	}
	for name, values := range from.Headers {
		h.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return h
}

func (h handshakeData) size() int {
	n := len(h.Auth)
	for _, values := range []map[string]string{h.Query, h.Headers} {
		for name, value := range values {
			n += len(name) + len(value)
		}
	}
	return n
}
