package hooks

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/server/servertest"
)

// asked makes the application answer every request of the connect hook with text, and returns the
// requests.
func (s *stack) asked(status int, text string) <-chan received {
	requests := make(chan received, 100)
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- r
		saying(status, "application/json", text)(w, r)
	})
	return requests
}

// members returns how many clients are in a room of "/".
func (s *stack) members(room string) (n int) {
	for _, m := range s.Hub.Members() {
		if m.In(room) {
			n++
		}
	}
	return n
}

// nextData returns the data of the next event of a stream with this name.
func nextData(t *testing.T, lines *bufio.Scanner, event string) string {
	t.Helper()
	for lines.Scan() {
		if lines.Text() == "event: "+event && lines.Scan() {
			return strings.TrimPrefix(lines.Text(), "data: ")
		}
	}
	t.Fatalf("the stream has ended without %s", event)
	return ""
}

func TestConnectHook(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	requests := s.asked(200, `{"userId":"u1","username":"Ada","rooms":["team-7"],
		"channels":["orders-*"],"publish":["orders-1"],"data":{"plan":"pro"}}`)
	c := s.DialWith("&tag=a&tag=b", http.Header{
		"Cookie": {"sid=7"}, "Authorization": {"Basic eDp5"}, "User-Agent": {"test"},
		"X-Forwarded-For": {"203.0.113.9"}, "X-Other": {"hidden"}, "Origin": {"http://" + s.Base},
	})
	me := c.Join(`{"token":{"not":"a text"},"n":1.50,"pid":"secret","offset":"x"}`)
	r := servertest.Receive(t, requests)
	if r.Type != "connect" || r.Data.Namespace != "/" || string(r.Data.Auth) != `{"n":1.50,"token":{"not":"a text"}}` ||
		string(r.Data.Query) != `{"EIO":"4","tag":["a","b"],"transport":"websocket"}` ||
		r.Data.IP != "127.0.0.1" || r.Data.Transport != "websocket" {
		t.Errorf("request %+v", r)
	}
	want := map[string]string{"cookie": "sid=7", "authorization": "Basic eDp5", "user-agent": "test",
		"x-forwarded-for": "203.0.113.9", "origin": "http://" + s.Base}
	if fmt.Sprint(r.Data.Headers) != fmt.Sprint(want) {
		t.Errorf("headers %v, want %v", r.Data.Headers, want)
	}
	if me.UserID != "u1" || me.Username != "Ada" {
		t.Errorf("connected %+v", me)
	}
	m := s.Hub.Member("/", me.ClientID)
	if !m.In("team-7") || !m.In("user:u1") {
		t.Errorf("rooms %v", m.Rooms())
	}
	c.Send(`421["join-room","orders-5"]`)
	servertest.Eventually(t, "it joins a channel of the answer", func() bool {
		return m.In("orders-5")
	})
	c.Send(`422["join-room","secret"]`)
	servertest.Eventually(t, "another channel is refused", func() bool {
		return strings.Contains(c.Read(), "forbidden")
	})
	// The event hook sees the data.
	events := s.asked(200, `{"ack":[]}`)
	c.Send(`423["x"]`)
	if r := servertest.Receive(t, events); string(r.Data.Connection.Data) != `{"plan":"pro"}` ||
		!slices.Contains(r.Data.Connection.Rooms, "team-7") {
		t.Errorf("event %+v", r.Data.Connection)
	}
}

// A client that the application refuses gets its message and data, as from a middleware of a Node
// server, and the connection stays open.
func TestConnectHookRefuses(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	for _, tt := range []struct {
		status       int
		answer, want string
	}{
		{401, `{"message":"no <such> session","data":{"code":7,"retry":[1.50]}}`,
			`44{"message":"no <such> session","data":{"code":7,"retry":[1.50]}}`},
		{403, `{"message":"banned"}`, `44{"message":"banned"}`},
		{403, `{"message":"banned","data":null}`, `44{"message":"banned","data":null}`},
		{403, `{"message":"banned","data":"text"}`, `44{"message":"banned","data":"text"}`},
	} {
		s.asked(tt.status, tt.answer)
		c := s.Dial("")
		c.Send("40")
		if got := c.Read(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		s.app.says(`{}`)
		c.Send("40")
		if got := c.Read(); !strings.HasPrefix(got, `40{"sid"`) {
			t.Errorf("the client then got %s", got)
		}
	}
	if n := s.app.counted("connect denied"); n != 4 {
		t.Errorf("counted %v", s.app.outcomes)
	}
	if n := s.logs.Len(); n > 0 {
		t.Errorf("logged %v", s.logs.All())
	}
}

// The hook is asked about each namespace, and lets streams in too.
func TestConnectHookForNamespacesAndStreams(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	requests := make(chan received, 10)
	s.app.answers(func(w http.ResponseWriter, r received) {
		requests <- r
		switch r.Data.Namespace + r.Data.Transport {
		case "/websocket":
			saying(200, "application/json", `{}`)(w, r)
		case "/chatwebsocket":
			saying(200, "application/json", `{"userId":"u1","rooms":["lobby"]}`)(w, r)
		default:
			var query struct{ As string }
			_ = json.Unmarshal(r.Data.Query, &query)
			if query.As == "bad" {
				saying(401, "application/json", `{"message":"no session"}`)(w, r)
				return
			}
			saying(200, "application/json", `{"userId":"u2","rooms":["lobby"]}`)(w, r)
		}
	})
	c, me := s.Connect(`{"userId":"ignored"}`)
	if me.UserID != "anonymous" || s.Hub.Member("/", me.ClientID).UserID() != "" {
		t.Errorf("connected %+v", me)
	}
	c.Send(`40/chat,{"room":1}`)
	if got := c.Read(); !strings.HasPrefix(got, `40/chat,{"sid"`) {
		t.Errorf("got %s", got)
	}
	if r := <-requests; r.Data.Namespace != "/" {
		t.Errorf("request %+v", r)
	}
	if r := <-requests; r.Data.Namespace != "/chat" || string(r.Data.Auth) != `{"room":1}` {
		t.Errorf("request %+v", r)
	}
	stream, lines := s.Stream(url.Values{"token": {"t"}}, http.Header{"Cookie": {"sid=9"}})
	if stream.StatusCode != 200 {
		t.Fatalf("status %d", stream.StatusCode)
	}
	connected := nextData(t, lines, "connected")
	if !strings.Contains(connected, `"userId":"u2"`) {
		t.Errorf("connected %s", connected)
	}
	r := <-requests
	if r.Data.Transport != "sse" || r.Data.Namespace != "/" || r.Data.IP != "127.0.0.1" ||
		string(r.Data.Query) != `{"token":"t"}` || string(r.Data.Auth) != `{}` ||
		r.Data.Headers["cookie"] != "sid=9" {
		t.Errorf("request %+v", r)
	}
	if n := s.members("lobby"); n != 1 {
		t.Errorf("%d streams in the room of the answer", n)
	}
	refused, text := servertest.Do(t, "GET", "http://"+s.Base+"/sse?As=bad", "")
	if refused.StatusCode != 401 || !strings.Contains(text, `"detail":"no session"`) ||
		!strings.Contains(text, `"code":"unauthenticated"`) {
		t.Errorf("%d %s", refused.StatusCode, text)
	}
}

// A browser adds cookies to the requests of every page: one that does not name its page has none.
func TestCookiesOfUnknownPagesAreNotPassed(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	requests := s.asked(200, `{}`)
	for site, want := range map[string]string{
		"": "sid=1", "same-origin": "sid=1", "cross-site": "", "none": "",
	} {
		header := http.Header{"Cookie": {"sid=1"}}
		if site != "" {
			header.Set("Sec-Fetch-Site", site)
		}
		s.Stream(nil, header)
		if r := servertest.Receive(t, requests); r.Data.Headers["cookie"] != want {
			t.Errorf("Sec-Fetch-Site %q: %v", site, r.Data.Headers)
		}
	}
}

// While the hook is not available, a stream ends at its start, so that an EventSource tries again;
// other requests get 503.
func TestStreamsWithoutTheHook(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	s.app.answers(func(http.ResponseWriter, received) { panic(http.ErrAbortHandler) })
	stream, text := servertest.Do(t, "GET", "http://"+s.Base+"/sse", "")
	if stream.StatusCode != 200 || !strings.Contains(text, "event: overloaded") ||
		!strings.Contains(text, "retry: ") {
		t.Errorf("%d %s", stream.StatusCode, text)
	}
	res, text := servertest.Do(t, "POST", "http://"+s.Base+"/sse/tickets", "")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" ||
		!strings.Contains(text, `"code":"unavailable"`) {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, text)
	}
}

// A page exchanges what the hook accepts for a ticket. The hook is not asked about it again.
func TestTicketsOfTheConnectHook(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	s.asked(200, `{"userId":"u1","rooms":["lobby"],"channels":["a"]}`)
	_, text := servertest.Do(t, "POST", "http://"+s.Base+"/sse/tickets", "", "Cookie: sid=1")
	var issued struct{ Ticket string }
	if err := json.Unmarshal([]byte(text), &issued); err != nil || issued.Ticket == "" {
		t.Fatalf("%s: %v", text, err)
	}
	s.asked(403, `{"message":"no"}`)
	_, lines := s.Stream(url.Values{"ticket": {issued.Ticket}, "channels": {"a"}}, nil)
	if got := nextData(t, lines, "connected"); !strings.Contains(got, `"userId":"u1"`) ||
		s.members("lobby") != 1 || s.members("a") != 1 {
		t.Errorf("connected %s", got)
	}
	c := s.Dial("")
	c.Send(`40{"ticket":"` + issued.Ticket + `"}`)
	if got := c.Read(); got != `44{"message":"Invalid token","data":{"code":"invalid_token"}}` {
		t.Errorf("a used ticket: %s", got)
	}
}

// An address with many refused clients is refused without a question.
func TestRefusedClientsAreGuesses(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	requests := s.asked(401, `{"message":"no"}`)
	c := s.Dial("")
	for i := range 12 {
		c.Send("40")
		got := c.Read()
		if limited := strings.Contains(got, `"code":"rate_limited"`); limited != (i >= 10) {
			t.Errorf("CONNECT %d: %s", i, got)
		}
	}
	if len(requests) != 10 {
		t.Errorf("the hook was asked %d times", len(requests))
	}
}

// A client that leaves while the hook is asked frees its place, and is no failure of the hook.
func TestClientsThatLeaveFreeTheirPlace(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, func(o *Options) { o.Connects.Concurrency = 1 })
	asked := make(chan struct{}, 1)
	s.app.answers(func(_ http.ResponseWriter, r received) {
		asked <- struct{}{}
		<-r.gone
	})
	c := s.Dial("")
	c.Send("40")
	servertest.Receive(t, asked)
	s.app.says(`{"userId":"u1"}`)
	_ = c.Conn.Close()
	s.Connect(`{}`)
	servertest.Eventually(t, "it is counted", func() bool {
		return s.app.counted("connect gone") == 1 && s.app.counted("connect ok") == 1
	})
	if s.logs.Len() > 0 {
		t.Errorf("logged %v", s.logs.All())
	}
}

// With the queue full, handshakes are refused before a connection is made.
func TestFullQueueRefusesHandshakes(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, func(o *Options) { o.Connects.Concurrency = 1 })
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	s.app.answers(func(w http.ResponseWriter, r received) {
		asked <- struct{}{}
		<-release
		saying(200, "application/json", `{}`)(w, r)
	})
	var waiting []*servertest.WebSocket
	for range 1 + queuedConnects/partyShare { // all are of one address
		c := s.Dial("")
		c.Send("40")
		waiting = append(waiting, c)
	}
	servertest.Receive(t, asked)
	dial := func() (*http.Response, error) {
		conn, res, err := websocket.DefaultDialer.Dial(
			"ws://"+s.Base+"/socket.io/?EIO=4&transport=websocket", nil)
		if err == nil {
			conn.Close()
		}
		return res, err
	}
	servertest.Eventually(t, "the queue is full", func() bool {
		res, err := dial()
		return err != nil && res.StatusCode == 503 && res.Header.Get("Retry-After") == "1"
	})
	close(release)
	for _, c := range waiting {
		if got := c.Read(); !strings.HasPrefix(got, `40{"sid"`) {
			t.Errorf("a client that waited got %s", got)
		}
	}
	if res, err := dial(); err != nil {
		t.Errorf("with an empty queue: %v, %v", res, err)
	}
}

// After many failures in a row handshakes are refused for a moment, so that clients that try again
// wait longer each time.
func TestFailuresInARowRefuseHandshakes(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, func(o *Options) { o.Connects.Concurrency = 2 })
	s.app.answers(func(http.ResponseWriter, received) { panic(http.ErrAbortHandler) })
	for range 2 {
		c := s.Dial("")
		c.Send("40")
		c.Closed()
	}
	if err := s.hook.Overloaded(netip.MustParseAddr("203.0.113.9")); err == nil {
		t.Error("a handshake of any address is accepted at once")
	}
	s.app.says(`{}`)
	servertest.Eventually(t, "the hook is asked again", func() bool {
		return s.hook.Overloaded(netip.MustParseAddr("203.0.113.9")) == nil
	})
	s.Connect("{}")
}

// At the end of an identity the hook is asked again, with the same credentials.
func TestConnectHookIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	s.app.answers(func(w http.ResponseWriter, r received) {
		saying(200, "application/json", `{"userId":"u1","rooms":["a","b"],"channels":["c*"],`+
			`"data":{"n":1,"m":1},"expiresAt":"`+inTwoSeconds()+`"}`)(w, r)
	})
	c, me := s.Connect(`{"token":"t1","channels":["c1"]}`)
	_, lines := s.Stream(url.Values{"token": {"t2"}, "channels": {"c1"}}, nil)
	nextData(t, lines, "connected")
	// The hook is down first, then it answers.
	down := make(chan received, 10)
	again := make(chan received, 10)
	s.app.answers(func(w http.ResponseWriter, r received) {
		if len(down) < 2 {
			down <- r
			panic(http.ErrAbortHandler)
		}
		again <- r
		saying(200, "application/json", `{"userId":"u1","rooms":["b","d"],"channels":["d*"],"data":{"n":null,"o":2}}`)(w, r)
	})
	var tokens []string
	for range 2 {
		r := servertest.Receive(t, again)
		var fields struct{ Token string }
		for _, text := range []json.RawMessage{r.Data.Auth, r.Data.Query} {
			_ = json.Unmarshal(text, &fields)
		}
		tokens = append(tokens, fields.Token)
	}
	if slices.Sort(tokens); !slices.Equal(tokens, []string{"t1", "t2"}) {
		t.Errorf("asked with the tokens %v", tokens)
	}
	m := s.Hub.Member("/", me.ClientID)
	servertest.Eventually(t, "the rooms are those of the new answer", func() bool {
		return m.In("d") && m.In("b") && !m.In("a") && !m.In("c1") &&
			s.members("d") == 2 && s.members("a") == 0 && s.members("c1") == 0
	})
	events := s.asked(200, `{"ack":[]}`)
	servertest.Eventually(t, "the data is merged", func() bool {
		c.Send(`421["x"]`)
		return string(servertest.Receive(t, events).Data.Connection.Data) == `{"o":2,"m":1}`
	})
}

// inTwoSeconds is the expiresAt of an answer, made when it is sent: a loaded machine may take a while
// between two clients.
func inTwoSeconds() string { return time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339Nano) }

// A connection ends when the hook refuses it later, or names another user.
func TestConnectHookEndsConnections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		answer string
	}{{401, `{"message":"logged out"}`}, {200, `{"userId":"u2"}`}, {200, `{}`}} {
		t.Run(tt.answer, func(t *testing.T) {
			t.Parallel()
			s := newConnectStack(t, nil)
			s.app.answers(func(w http.ResponseWriter, r received) {
				saying(200, "application/json", `{"userId":"u1","expiresAt":"`+inTwoSeconds()+`"}`)(w, r)
			})
			c, _ := s.Connect(`{}`)
			_, lines := s.Stream(nil, nil)
			nextData(t, lines, "connected")
			s.asked(tt.status, tt.answer)
			if got := strings.Join(c.Closed(), "\n"); !strings.Contains(got, `42["auth:expired",`) {
				t.Errorf("the client got %s", got)
			}
			nextData(t, lines, "auth:expired")
		})
	}
}

// auth:refresh asks the hook with a new token.
func TestRefreshAsksTheHook(t *testing.T) {
	t.Parallel()
	s := newConnectStack(t, nil)
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.asked(200, fmt.Sprintf(`{"userId":"u1","expiresAt":%q}`, later))
	c, _ := s.Connect(`{"token":"t1","more":1}`)
	requests := s.asked(200, fmt.Sprintf(`{"userId":"u1","rooms":["a"],"expiresAt":%q}`, later))
	c.Send(`421["auth:refresh",{"token":"t2"}]`)
	if r := servertest.Receive(t, requests); string(r.Data.Auth) != `{"more":1,"token":"t2"}` {
		t.Errorf("request %s", r.Data.Auth)
	}
	servertest.Eventually(t, "it is renewed", func() bool {
		return strings.HasPrefix(c.Read(), `431[{"type":"auth:refreshed"`)
	})
	if s.members("a") != 1 {
		t.Error("the client is not in the room of the new answer")
	}
	s.asked(200, `{"userId":"u2"}`)
	c.Send(`422["auth:refresh",{"token":"t3"}]`)
	servertest.Eventually(t, "another user is refused", func() bool {
		return strings.HasPrefix(c.Read(), `432[{"error":{"code":"forbidden"`)
	})
}
