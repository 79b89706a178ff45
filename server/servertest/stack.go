package servertest

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

// Stack is a server under test with its Hub.
type Stack struct {
	T    testing.TB
	Hub  *notify.Hub
	Base string // host:port
}

// Connected is the data of the event `connected`.
type Connected struct {
	Type             string `json:"type"`
	ClientID         string `json:"clientId"`
	SocketID         string `json:"socketId"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	Timestamp        string `json:"timestamp"`
	TotalConnections int    `json:"totalConnections"`
	Recovered        bool   `json:"recovered"`
}

func (s *Stack) Dial(query string) *WebSocket {
	s.T.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket"+query, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	res.Body.Close()
	c := &WebSocket{t: s.T, Conn: conn}
	s.T.Cleanup(func() { conn.Close() })
	if open := c.Read(); !strings.HasPrefix(open, "0{") {
		s.T.Fatalf("the first packet is %q, want OPEN", open)
	}
	return c
}

// Connect joins "/" and returns the data of `connected`.
func (s *Stack) Connect(authPayload string) (*WebSocket, Connected) {
	s.T.Helper()
	c := s.Dial("")
	return c, c.Join(authPayload)
}

func (s *Stack) Publish(body string) notify.Receipt {
	s.T.Helper()
	res, text := Publish(s.T, "http://"+s.Base, body)
	if res.StatusCode != http.StatusOK {
		s.T.Fatalf("publish: %d %s", res.StatusCode, text)
	}
	var receipt notify.Receipt
	if err := json.Unmarshal([]byte(text), &receipt); err != nil {
		s.T.Fatal(err)
	}
	return receipt
}

// Alive proves that the server still serves after what a test did to it.
func (s *Stack) Alive() {
	s.T.Helper()
	c, _ := s.Connect(`{"userId":"prober"}`)
	c.Sync()
	c.Conn.Close()
}

var volatileParts = regexp.MustCompile(`"timestamp":"[^"]*"|"[0-9a-f]{8}-[0-9]+"|"(sid|pid|clientId|socketId)":"[^"]*"`)

// Masked replaces what differs in each run.
func Masked(text string) string {
	return volatileParts.ReplaceAllStringFunc(text, func(part string) string {
		if name, _, found := strings.Cut(part, ":"); found {
			return name + ":*"
		}
		return `"ID"`
	})
}

func (s *Stack) Poll() *Polling {
	s.T.Helper()
	c := &Polling{t: s.T, URL: "http://" + s.Base + "/socket.io/?EIO=4&transport=polling"}
	open := c.Get()
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(open)
	if sid == nil {
		s.T.Fatalf("the handshake was answered %q", open)
	}
	c.URL += "&sid=" + sid[1]
	return c
}

func (s *Stack) dialWith(query url.Values, headers http.Header) *WebSocket {
	s.T.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket&"+query.Encode(), headers)
	if err != nil {
		s.T.Fatal(err)
	}
	res.Body.Close()
	s.T.Cleanup(func() { conn.Close() })
	c := &WebSocket{t: s.T, Conn: conn}
	c.Read()
	return c
}

func (s *Stack) pollWith(query url.Values, headers http.Header) *Polling {
	s.T.Helper()
	c := &Polling{t: s.T, URL: "http://" + s.Base + "/socket.io/?EIO=4&transport=polling"}
	r, err := http.NewRequest("GET", c.URL+"&"+query.Encode(), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	r.Header = headers.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	_, body := DoRequest(s.T, r)
	var open struct{ Sid string }
	if !strings.HasPrefix(body, "0{") || json.Unmarshal([]byte(body[1:]), &open) != nil {
		s.T.Fatalf("the handshake was answered %q", body)
	}
	c.URL += "&sid=" + open.Sid
	return c
}

// Stream opens an EventSource, whose lines come from the scanner.
func (s *Stack) Stream(query url.Values, headers http.Header) (*http.Response, *bufio.Scanner) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(s.T.Context(), "GET", "http://"+s.Base+"/sse?"+query.Encode(), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	if headers != nil {
		r.Header = headers.Clone()
	}
	res, err := HTTPClient().Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 2<<20)
	return res, lines
}

// Ways are all the places where a token can stand, by transport. Each connects
// and tells whether it was let in; user is added where it is not empty.
func (s *Stack) Ways(token, user string) map[string]func() bool {
	payload := func(fields map[string]string) string {
		if user != "" {
			fields["userId"] = user
		}
		return string(JSON(fields))
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
	cookie := http.Header{"Cookie": {"auth_token=" + token}, "Origin": {"http://" + s.Base}}
	ways := map[string]func() bool{}
	for place, p := range map[string]struct {
		query   url.Values
		headers http.Header
		payload string
	}{
		"auth object":           {nil, nil, payload(map[string]string{"token": token})},
		"auth object and query": {query, nil, string(JSON(map[string]string{"token": token}))},
		"query":                 {withToken, nil, ""},
		"header":                {nil, bearer, payload(map[string]string{})},
		"header and query":      {query, bearer, ""},
		"cookie":                {query, cookie, ""},
	} {
		ways["websocket, "+place] = func() bool {
			c := s.dialWith(p.query, p.headers)
			defer c.Conn.Close()
			c.Send("40" + p.payload)
			return strings.HasPrefix(c.Read(), `40{"sid":`)
		}
		ways["polling, "+place] = func() bool {
			c := s.pollWith(p.query, p.headers)
			c.Post("40" + p.payload)
			return strings.HasPrefix(c.Get(), `40{"sid":`)
		}
		if p.payload == "" || p.query == nil && p.headers != nil { // a stream has no auth object
			q := query
			if p.query != nil {
				q = p.query
			}
			ways["EventSource, "+place] = func() bool {
				res, _ := s.Stream(q, p.headers)
				_ = res.Body.Close()
				return res.StatusCode == http.StatusOK
			}
		}
	}
	return ways
}

func (s *Stack) Gone(sid string) {
	s.T.Helper()
	for s.Hub.Member("/", sid) != nil {
		if s.T.Context().Err() != nil {
			s.T.Fatal("the old member stays")
		}
	}
}
