package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// readBuffer is small, because a test has thousands of clients.
const readBuffer = 4 << 10

// stream reads an EventSource stream (WHATWG HTML, section 9.2.6) of the subset that the server
// writes: lines end with LF, and an event has one line of data.
func (c *Client) stream(_ context.Context, conn net.Conn) error {
	query := url.Values{"userId": {c.o.User}, "channels": {strings.Join(c.o.Channels, ",")}}
	r, err := http.NewRequest("GET", "http://"+conn.RemoteAddr().String()+"/sse?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	if c.last != "" {
		r.Header.Set("Last-Event-ID", c.last)
	}
	if err := r.Write(conn); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, readBuffer), r)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream was answered %s", res.Status)
	}
	lines := bufio.NewReaderSize(res.Body, readBuffer)
	for ev := (event{}); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(": "))
		switch string(name) {
		case "event":
			ev.name = string(value)
		case "id":
			ev.id = string(value)
		case "retry":
			ms, _ := strconv.Atoi(string(value))
			c.retry = time.Duration(ms) * time.Millisecond
		case "data":
			ev.data = value
		case "":
			if len(value) > 0 { // a comment
				continue
			}
			if err := c.take(ev); err != nil {
				return err
			}
			ev = event{}
		}
	}
}

// socket speaks Socket.IO in the namespace "/" over a websocket.
func (c *Client) socket(ctx context.Context, conn net.Conn) error {
	ws, err := openSocket(ctx, conn, "")
	if err != nil {
		return err
	}
	return c.read(ws)
}

// openSocket opens a websocket on a connection, for a new session or for that with an id.
func openSocket(ctx context.Context, conn net.Conn, sid string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{ReadBufferSize: readBuffer, WriteBufferSize: 1 << 10,
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	query := "?EIO=4&transport=websocket"
	if sid != "" {
		query += "&sid=" + sid
	}
	ws, res, err := dialer.DialContext(ctx, "ws://"+conn.RemoteAddr().String()+"/socket.io/"+query, nil)
	if err == nil {
		res.Body.Close()
	}
	return ws, err
}

// read handles the packets of a websocket until it ends.
func (c *Client) read(ws *websocket.Conn) error {
	write := func(text string) error {
		return ws.WriteMessage(websocket.TextMessage, []byte(text))
	}
	for {
		_, packet, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		if err := c.packet(write, packet); err != nil {
			return err
		}
	}
}

// packet handles an Engine.IO packet.
func (c *Client) packet(write func(string) error, packet []byte) error {
	if len(packet) == 0 {
		return io.ErrUnexpectedEOF
	}
	switch kind, data := packet[0], packet[1:]; {
	case kind == '0':
		return write("40" + c.hello())
	case kind == '2':
		return write("3")
	case kind == '6':
		return nil
	case kind != '4' || len(data) == 0:
		return errEnded
	case data[0] == '0':
		return c.connected(data[1:])
	case data[0] == '2':
		return c.arguments(data[1:])
	default:
		return fmt.Errorf("the server sent %s", packet)
	}
}

// connected handles the answer to CONNECT.
func (c *Client) connected(text []byte) error {
	var reply struct{ Sid, Pid string }
	if err := decode(text, &reply); err != nil {
		return err
	}
	if c.resumed = reply.Pid != "" && reply.Pid == c.pid; c.resumed {
		c.recovered.Add(1)
		if reply.Sid != c.sid {
			c.reader.Fault("recovered with another id")
		}
	}
	c.pid, c.sid = reply.Pid, reply.Sid
	return nil
}

// hello returns the payload of CONNECT.
func (c *Client) hello() string {
	fields := map[string]any{"userId": c.o.User, "channels": c.o.Channels}
	if c.pid != "" && c.last != "" {
		fields["pid"], fields["offset"] = c.pid, c.last
	}
	text, _ := json.Marshal(fields) // of strings
	return string(text)
}

// arguments takes an event [name, argument, id].
func (c *Client) arguments(text []byte) error {
	var args []json.RawMessage
	if err := decode(text, &args); err != nil {
		return err
	}
	ev := event{data: args[min(1, len(args)-1)]}
	if err := decode(args[0], &ev.name); err != nil {
		return err
	}
	if err := decode(args[len(args)-1], &ev.id); err != nil {
		return err
	}
	return c.take(ev)
}

func decode(text []byte, to any) error {
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("the server sent %s: %w", text, err)
	}
	return nil
}
