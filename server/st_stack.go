package server

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/roomcast/roomcast/notify"
)

// stackBase is a server under test with its Hub.
type stackBase struct {
	t    testing.TB
	hub  *notify.Hub
	base string // host:port
}

// connectedMessage is the data of the event `connected`.
type connectedMessage struct {
	Type             string `json:"type"`
	ClientID         string `json:"clientId"`
	SocketID         string `json:"socketId"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	Timestamp        string `json:"timestamp"`
	TotalConnections int    `json:"totalConnections"`
	Recovered        bool   `json:"recovered"`
}

func (s *stackBase) dial(query string) *wsClient {
	s.t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.base+"/socket.io/?EIO=4&transport=websocket"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	c := &wsClient{t: s.t, conn: conn}
	s.t.Cleanup(func() { conn.Close() })
	if open := c.read(); !strings.HasPrefix(open, "0{") {
		s.t.Fatalf("the first packet is %q, want OPEN", open)
	}
	return c
}

// connect joins "/" and returns the data of `connected`.
func (s *stackBase) connect(authPayload string) (*wsClient, connectedMessage) {
	s.t.Helper()
	c := s.dial("")
	return c, c.join(authPayload)
}

func (s *stackBase) publish(body string) notify.Receipt {
	s.t.Helper()
	res, text := publishTo(s.t, "http://"+s.base, body)
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("publish: %d %s", res.StatusCode, text)
	}
	var receipt notify.Receipt
	if err := json.Unmarshal([]byte(text), &receipt); err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// alive proves that the server still serves after what a test did to it.
func (s *stackBase) alive() {
	s.t.Helper()
	c, _ := s.connect(`{"userId":"prober"}`)
	c.sync()
	c.conn.Close()
}

var volatileParts = regexp.MustCompile(`"timestamp":"[^"]*"|"[0-9a-f]{8}-[0-9]+"|"(sid|pid|clientId|socketId)":"[^"]*"`)

// masked replaces what differs in each run.
func masked(text string) string {
	return volatileParts.ReplaceAllStringFunc(text, func(part string) string {
		if name, _, found := strings.Cut(part, ":"); found {
			return name + ":*"
		}
		return `"ID"`
	})
}

func (s *stackBase) poll() *pollClient {
	s.t.Helper()
	c := &pollClient{t: s.t, url: "http://" + s.base + "/socket.io/?EIO=4&transport=polling"}
	open := c.get()
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(open)
	if sid == nil {
		s.t.Fatalf("the handshake was answered %q", open)
	}
	c.url += "&sid=" + sid[1]
	return c
}

func (s *stackBase) dialWith(query url.Values, headers http.Header) *wsClient {
	s.t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.base+"/socket.io/?EIO=4&transport=websocket&"+query.Encode(), headers)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	s.t.Cleanup(func() { conn.Close() })
	c := &wsClient{t: s.t, conn: conn}
	c.read()
	return c
}

func (s *stackBase) pollWith(query url.Values, headers http.Header) *pollClient {
	s.t.Helper()
	c := &pollClient{t: s.t, url: "http://" + s.base + "/socket.io/?EIO=4&transport=polling"}
	r, err := http.NewRequest("GET", c.url+"&"+query.Encode(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header = headers.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	_, body := doRequest(s.t, r)
	var open struct{ Sid string }
	if !strings.HasPrefix(body, "0{") || json.Unmarshal([]byte(body[1:]), &open) != nil {
		s.t.Fatalf("the handshake was answered %q", body)
	}
	c.url += "&sid=" + open.Sid
	return c
}

// stream opens an EventSource, whose lines come from the scanner.
func (s *stackBase) stream(query url.Values, headers http.Header) (*http.Response, *bufio.Scanner) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", "http://"+s.base+"/sse?"+query.Encode(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if headers != nil {
		r.Header = headers.Clone()
	}
	res, err := testClient().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 2<<20)
	return res, lines
}

// ways are all the places where a token can stand, by transport. Each connects
// and tells whether it was let in; user is added where it is not empty.
func (s *stackBase) ways(token, user string) map[string]func() bool {
	payload := func(fields map[string]string) string {
		if user != "" {
			fields["userId"] = user
		}
		return string(mustJSON(fields))
	}
	query := url.Values{}
	if user != "" {
		query.Set("userId", user)
	}
	withToken := url.Values{"token": {token}}
	for name := range query {
		withToken.Set(name, user)
	}
	bearer := http.Header{"Authorization": {"Bearer " + token}}
	cookie := http.Header{"Cookie": {"auth_token=" + token}, "Origin": {"http://" + s.base}}
	ways := map[string]func() bool{}
	for place, p := range map[string]struct {
		query   url.Values
		headers http.Header
		payload string
	}{
		"auth object":           {nil, nil, payload(map[string]string{"token": token})},
		"auth object and query": {query, nil, string(mustJSON(map[string]string{"token": token}))},
		"query":                 {withToken, nil, ""},
		"header":                {nil, bearer, payload(map[string]string{})},
		"header and query":      {query, bearer, ""},
		"cookie":                {query, cookie, ""},
	} {
		ways["websocket, "+place] = func() bool {
			c := s.dialWith(p.query, p.headers)
			defer c.conn.Close()
			c.send("40" + p.payload)
			return strings.HasPrefix(c.read(), `40{"sid":`)
		}
		ways["polling, "+place] = func() bool {
			c := s.pollWith(p.query, p.headers)
			c.post("40" + p.payload)
			return strings.HasPrefix(c.get(), `40{"sid":`)
		}
		if p.payload == "" || p.query == nil && p.headers != nil { // a stream has no auth object
			q := query
			if p.query != nil {
				q = p.query
			}
			ways["EventSource, "+place] = func() bool {
				res, _ := s.stream(q, p.headers)
				_ = res.Body.Close()
				return res.StatusCode == http.StatusOK
			}
		}
	}
	return ways
}

func (s *stackBase) gone(sid string) {
	s.t.Helper()
	for s.hub.Member("/", sid) != nil {
		if s.t.Context().Err() != nil {
			s.t.Fatal("the old member stays")
		}
	}
}
