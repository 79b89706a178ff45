package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

// poll speaks Socket.IO in the namespace "/" over HTTP long-polling, and with Upgrade over a
// websocket as soon as the server has accepted it. Each request has a connection of its own, so
// that a balancer may send it to any node. The handshake has conn.
func (c *Client) poll(ctx context.Context, conn net.Conn) error {
	p := c.newPoller(ctx, conn)
	defer p.end()
	text, err := p.do("GET", "")
	if err != nil {
		return err
	}
	var open struct{ Sid string }
	if !strings.HasPrefix(text, "0") {
		return fmt.Errorf("the server sent %.100q, expected OPEN", text)
	}
	if err := decode([]byte(text[1:]), &open); err != nil {
		return err
	}
	p.url += "&sid=" + open.Sid
	if err := c.packet(p.post, []byte("0")); err != nil {
		return err
	}
	if c.o.Transport == Upgrade {
		return c.upgrade(ctx, p, open.Sid)
	}
	for {
		if err := c.payload(p, p.get()); err != nil {
			return err
		}
	}
}

// upgrade goes on over a websocket, as engine.io-client does: it probes while a poll waits, which
// the server then ends.
func (c *Client) upgrade(ctx context.Context, p *poller, sid string) error {
	last := make(chan polled, 1)
	go func() { last <- p.get() }()
	ws, err := c.probe(ctx, sid)
	if err != nil {
		p.end()
		<-last
		return err
	}
	defer ws.Close()
	defer context.AfterFunc(ctx, func() { ws.Close() })()
	if err := c.payload(p, <-last); err != nil {
		return err
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte("5")); err != nil {
		return err
	}
	return c.read(ws)
}

// probe opens a websocket for a session and waits until the server accepts it.
func (c *Client) probe(ctx context.Context, sid string) (*websocket.Conn, error) {
	conn, err := c.o.dial(ctx)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(servertest.Patience))
	ws, err := openSocket(ctx, conn, sid)
	if err != nil {
		conn.Close()
		return nil, err
	}
	var answer []byte
	if err = ws.WriteMessage(websocket.TextMessage, []byte("2probe")); err == nil {
		_, answer, err = ws.ReadMessage()
	}
	if err == nil && string(answer) != "3probe" {
		err = fmt.Errorf("the server sent %.100q, expected 3probe", answer)
	}
	if err != nil {
		ws.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return ws, nil
}

// payload handles the packets of a response.
func (c *Client) payload(p *poller, got polled) error {
	if got.err != nil {
		return got.err
	}
	for packet := range strings.SplitSeq(got.text, "\x1e") {
		if err := c.packet(p.post, []byte(packet)); err != nil {
			return err
		}
	}
	return nil
}

// poller sends the requests of one session.
type poller struct {
	ctx  context.Context
	end  context.CancelFunc
	http *http.Client
	url  string
}

// polled is the result of a poll.
type polled struct {
	text string
	err  error
}

func (c *Client) newPoller(ctx context.Context, conn net.Conn) *poller {
	first := conn
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		if first != nil {
			first = nil
			return conn, nil
		}
		return c.o.dial(ctx)
	}
	ctx, end := context.WithCancel(ctx)
	return &poller{ctx: ctx, end: end,
		http: &http.Client{Timeout: 2 * servertest.Patience,
			Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
		url: "http://" + conn.RemoteAddr().String() + "/socket.io/?EIO=4&transport=polling"}
}

func (p *poller) get() polled {
	text, err := p.do("GET", "")
	return polled{text, err}
}

func (p *poller) post(packet string) error {
	_, err := p.do("POST", packet)
	return err
}

func (p *poller) do(method, body string) (string, error) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := p.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %s: %.200s", method, res.Status, text)
	}
	return string(text), err
}
