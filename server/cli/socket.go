package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/config"
	"github.com/roomcast/roomcast/notify"
)

// socket returns the transport by Socket.IO: Engine.IO 4 over websocket, namespace /.
func (t *Tail) socket(server target, c config.Config) transport {
	return func(ctx context.Context, since string, got func(event) error) (time.Duration, error) {
		token, user, err := t.identity(c)
		if err != nil {
			return 0, err
		}
		hello := map[string]any{"as": "type"}
		if token != "" {
			hello["token"] = token
		} else {
			hello["userId"] = user
		}
		if len(t.Channel) > 0 {
			hello["channels"] = t.Channel
		}
		if since != "" {
			hello["since"] = since
		}
		payload, err := json.Marshal(hello)
		if err != nil {
			return 0, err
		}
		conn, err := dial(ctx, server, c.SocketIOPath)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		s := &socket{conn: conn, hello: payload, got: got}
		return 0, s.run()
	}
}

func dial(ctx context.Context, server target, path string) (*websocket.Conn, error) {
	address := server.at(path + "/")
	address.Scheme = strings.Replace(address.Scheme, "http", "ws", 1)
	address.RawQuery = "EIO=4&transport=websocket"
	dialer := websocket.Dialer{
		Proxy: server.proxy, TLSClientConfig: server.tls, NetDialContext: server.dial,
		HandshakeTimeout: 10 * time.Second,
	}
	conn, res, err := dialer.DialContext(ctx, address.String(), nil)
	switch {
	case err != nil && res != nil:
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxLine))
		return nil, &refusal{
			status: res.StatusCode, body: bytes.TrimSpace(body),
			retryAfter: res.Header.Get("Retry-After"),
		}
	case err != nil:
		return nil, server.unreached(err)
	}
	conn.SetReadLimit(maxEvent)
	return conn, nil
}

// socket is one connection. It has no goroutine other than that of run.
type socket struct {
	conn  *websocket.Conn
	hello []byte // payload of CONNECT
	got   func(event) error
	quiet time.Duration // maximum silence: the server's ping interval and timeout
}

// run reads until the connection ends.
func (s *socket) run() error {
	s.quiet = 30 * time.Second
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.quiet))
		kind, data, err := s.conn.ReadMessage()
		if err != nil {
			return errLost
		}
		if kind != websocket.TextMessage || len(data) == 0 {
			continue // an attachment: the event has a placeholder
		}
		if err := s.packet(data[0], data[1:]); err != nil {
			return err
		}
	}
}

// packet handles one Engine.IO packet.
func (s *socket) packet(kind byte, data []byte) error {
	switch kind {
	case '0': // open
		var open struct{ PingInterval, PingTimeout int64 }
		if err := json.Unmarshal(data, &open); err != nil {
			return fmt.Errorf("the server does not support Engine.IO 4: %w", err)
		}
		s.quiet = min(time.Duration(open.PingInterval+open.PingTimeout)*time.Millisecond, time.Hour)
		return s.write('4', '0', s.hello)
	case '1': // close
		return errLost
	case '2': // ping
		return s.write('3', 0, nil)
	case '4':
		if len(data) > 0 {
			return s.message(data[0], data[1:])
		}
	}
	return nil
}

// message handles one Socket.IO packet.
func (s *socket) message(kind byte, data []byte) error {
	switch kind {
	case '1':
		return &ended{"io server disconnect"}
	case '2', '5': // event; "<attachments>-" precedes a binary one, both may have an ack id
		start := bytes.IndexByte(data, '[')
		if start < 0 {
			return errors.New("received an event without arguments")
		}
		ev, err := readEvent(data[start:])
		if err != nil {
			return err
		}
		return s.got(ev)
	case '4':
		return connectError(data)
	}
	return nil
}

func (s *socket) write(engine, kind byte, payload []byte) error {
	packet := []byte{engine}
	if kind != 0 {
		packet = append(packet, kind)
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if s.conn.WriteMessage(websocket.TextMessage, append(packet, payload...)) != nil {
		return errLost
	}
	return nil
}

// readEvent decodes [name, argument…, id]. Of several arguments the data is the array.
func readEvent(text []byte) (event, error) {
	var all []json.RawMessage
	var ev event
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 ||
		json.Unmarshal(all[0], &ev.Name) != nil {
		return event{}, errors.New("received an event that is not [name, …]")
	}
	args := all[1:]
	if n := len(args); n > 0 && isID(args[n-1]) {
		_ = json.Unmarshal(args[n-1], &ev.ID)
		args = args[:n-1]
	}
	switch len(args) {
	case 0:
	case 1:
		ev.Data = args[0]
	default:
		ev.Data, _ = json.Marshal(args) // decoded above
	}
	return ev, nil
}

// isID reports whether an argument is the id at the end of an event.
func isID(arg json.RawMessage) bool {
	var text string
	if json.Unmarshal(arg, &text) != nil {
		return false
	}
	_, err := notify.ParseID(text)
	return err == nil
}

// connectError returns a refusal in the form of an HTTP response.
func connectError(data []byte) error {
	var refused struct {
		Message string
		Data    struct {
			Code       string
			RetryAfter json.Number
		}
	}
	_ = json.Unmarshal(data, &refused) // empty fields are fine
	status := http.StatusForbidden
	switch refused.Data.Code {
	case "unauthenticated", "invalid_token", "token_expired":
		status = http.StatusUnauthorized
	case "rate_limited", "too_many_connections":
		status = http.StatusTooManyRequests
	case "unavailable":
		status = http.StatusServiceUnavailable
	}
	body, _ := json.Marshal(map[string]any{
		"title": refused.Message, "detail": refused.Message, "code": refused.Data.Code,
		"status": status,
	})
	return &refusal{status: status, body: body, retryAfter: refused.Data.RetryAfter.String()}
}
