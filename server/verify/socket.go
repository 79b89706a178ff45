package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
)

// engineQuery is the query of a new Engine.IO session.
func engineQuery(transport string) url.Values {
	return url.Values{"EIO": {"4"}, "transport": {transport}}
}

// socket speaks Socket.IO over a websocket until it ends.
func (l *listener) socket(ctx context.Context, hello url.Values) error {
	address := l.r.url(l.r.o.SocketIOPath+"/", engineQuery(webSocket))
	id := l.r.request(ctx, http.MethodGet, address, "").Header.Get("X-Request-ID")
	dialer := websocket.Dialer{Proxy: l.r.o.Proxy, NetDialContext: l.r.o.Dial,
		TLSClientConfig: l.r.o.TLS.Clone(), HandshakeTimeout: 3 * l.r.patience()}
	conn, res, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(address, "http"),
		http.Header{"X-Request-ID": {id}})
	switch {
	case err != nil && res != nil:
		refused, _ := readAnswer(id, res)
		return &refusedError{refused}
	case err != nil:
		return withoutURL(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetReadLimit(maxLine)
	write := func(packet string) error {
		_ = conn.SetWriteDeadline(time.Now().Add(2 * l.r.patience()))
		return conn.WriteMessage(websocket.TextMessage, []byte(packet))
	}
	for {
		kind, packet, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("%w (%v)", errLost, err)
		}
		l.touch()
		if kind == websocket.TextMessage {
			if err := l.packet(write, hello, string(packet)); err != nil {
				return err
			}
		}
	}
}

// packet handles one packet of Engine.IO.
func (l *listener) packet(write func(string) error, hello url.Values, packet string) error {
	if packet == "" {
		return nil
	}
	switch packet[0] {
	case '0': // open
		var open struct{ PingInterval int64 }
		if err := json.Unmarshal([]byte(packet[1:]), &open); err != nil {
			return fmt.Errorf("the first packet is not that of Engine.IO 4: %w", err)
		}
		l.change(func() { l.ping = time.Duration(open.PingInterval) * time.Millisecond })
		return write("40" + l.auth(hello))
	case '1': // close
		return errEnded
	case '2': // ping
		return write("3")
	case '4':
		return l.message(packet[1:])
	}
	return nil
}

// auth returns the data of CONNECT.
func (l *listener) auth(hello url.Values) string {
	fields := map[string]any{"channels": []string{l.r.channel}}
	for name := range hello {
		fields[name] = hello.Get(name)
	}
	if cursor := l.now().cursor; cursor != "" {
		fields["since"] = cursor
	}
	text, _ := json.Marshal(fields) // of strings
	return string(text)
}

// message handles one packet of Socket.IO.
func (l *listener) message(packet string) error {
	if packet == "" {
		return nil
	}
	switch packet[0] {
	case '0':
		l.accepted()
	case '1':
		return errEnded
	case '2', '5':
		if ev, ok := readEvent([]byte(packet[1:])); ok {
			return l.take(ev)
		}
	case '4':
		var refused struct {
			Message string
			Data    struct{ Code string }
		}
		_ = json.Unmarshal([]byte(packet[1:]), &refused) // empty fields are fine
		return &connectError{refused.Data.Code, refused.Message}
	}
	return nil
}

// readEvent decodes [name, argument…, id] after the number of an acknowledgement.
func readEvent(packet []byte) (ev event, ok bool) {
	start := bytes.IndexByte(packet, '[')
	var all []json.RawMessage
	if start < 0 || json.Unmarshal(packet[start:], &all) != nil || len(all) == 0 ||
		json.Unmarshal(all[0], &ev.name) != nil {
		return event{}, false
	}
	if len(all) > 1 {
		ev.data = all[1]
		_ = json.Unmarshal(all[len(all)-1], &ev.id)
		if _, err := notify.ParseID(ev.id); err != nil {
			ev.id = "" // the server has no recovery
		}
	}
	return ev, true
}
