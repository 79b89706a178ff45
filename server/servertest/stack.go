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

// Stack is a running server with its Hub, and a test that connects clients to it.
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

// Dial opens an Engine.IO session over a websocket. query is "" or more of the query: "&key=value".
func (s *Stack) Dial(query string) *WebSocket {
	s.T.Helper()
	return s.dial(query, nil)
}

// DialWith is Dial with headers of the handshake.
func (s *Stack) DialWith(query string, headers http.Header) *WebSocket {
	s.T.Helper()
	return s.dial(query, headers)
}

// Connect joins "/" over a websocket and returns the data of `connected`. authPayload is the data
// of the CONNECT packet.
func (s *Stack) Connect(authPayload string) (*WebSocket, Connected) {
	s.T.Helper()
	c := s.Dial("")
	return c, c.Join(authPayload)
}

// Poll opens an Engine.IO session over long-polling.
func (s *Stack) Poll() *Polling {
	s.T.Helper()
	return s.poll("", nil)
}

// PollWith is Poll with headers of each request.
func (s *Stack) PollWith(headers http.Header) *Polling {
	s.T.Helper()
	return s.poll("", headers)
}

func (s *Stack) dial(query string, headers http.Header) *WebSocket {
	s.T.Helper()
	conn, res, err := websocket.DefaultDialer.Dial("ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket"+query, headers)
	if err != nil {
		s.T.Fatal(err)
	}
	res.Body.Close()
	s.T.Cleanup(func() { conn.Close() })
	c := &WebSocket{t: s.T, Conn: conn}
	if open := c.Read(); !strings.HasPrefix(open, "0{") {
		s.T.Fatalf("the first packet is %q, want OPEN", open)
	}
	return c
}

func (s *Stack) poll(query string, headers http.Header) *Polling {
	s.T.Helper()
	c := &Polling{
		t: s.T, URL: "http://" + s.Base + "/socket.io/?EIO=4&transport=polling" + query,
		Headers: headers,
	}
	_, payload := c.do("GET", "")
	var open struct{ Sid string }
	if !strings.HasPrefix(payload, "0{") || json.Unmarshal([]byte(payload[1:]), &open) != nil {
		s.T.Fatalf("the response to the handshake is %q", payload)
	}
	c.URL += "&sid=" + open.Sid
	return c
}

// Stream opens an EventSource stream. The scanner reads its lines.
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

// Publish sends body to POST /v1/notifications and returns the receipt.
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

// Alive checks that the server still serves clients. If the test sets a short limit for the CONNECT
// and the machine is too slow for it, the client tries again.
func (s *Stack) Alive() {
	s.T.Helper()
	Eventually(s.T, "a client is served", func() bool {
		c := s.Dial("")
		defer c.Conn.Close()
		for _, packet := range []string{`40{"userId":"prober"}`, `42999["ping"]`} {
			if c.Conn.WriteMessage(websocket.TextMessage, []byte(packet)) != nil {
				return false
			}
		}
		for {
			text, err := c.Next()
			if err != nil {
				return false
			}
			if strings.HasPrefix(text, "43999[") {
				return true
			}
		}
	})
}

// Gone waits until the Hub has no member with this id in "/".
func (s *Stack) Gone(sid string) {
	s.T.Helper()
	Eventually(s.T, "the member "+sid+" detaches", func() bool { return s.Hub.Member("/", sid) == nil })
}

var volatileParts = regexp.MustCompile(`"timestamp":"[^"]*"|"[0-9a-f]{8}-[0-9]+"|"(sid|pid|clientId|socketId)":"[^"]*"`)

// Masked replaces the values that differ from run to run: times and ids.
func Masked(text string) string {
	return volatileParts.ReplaceAllStringFunc(text, func(part string) string {
		if name, _, found := strings.Cut(part, ":"); found {
			return name + ":*"
		}
		return `"ID"`
	})
}
