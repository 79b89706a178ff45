package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// withGuard gives a namespace a guard that lets in who knows the word, and tells its clients what
// they are.
func withGuard(s *testStack) (seen chan Arrival) {
	seen = make(chan Arrival, 16)
	n := s.sio.Of("/guarded")
	n.Guard(func(_ context.Context, a Arrival) (any, error) {
		seen <- a
		switch word := textOf(a.Payload["word"]); word {
		case "open":
			return word, nil
		case "panic":
			panic("guard")
		}
		return nil, &auth.Error{Code: auth.ErrInvalid.Code, Message: "wrong word", Status: 401}
	})
	n.OnConnect(func(_ context.Context, c *Conn) error {
		return c.Tell("you", c.Data(), c.Identity().UserID, string(c.Handshake().Auth))
	})
	n.On("again", func(_ context.Context, c *Conn, e *Event) error { return c.Tell("told", 1) })
	return seen
}

func TestGuardDecidesInPlaceOfTheAuthenticator(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	seen := withGuard(s)
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})

	c := s.Dial("")
	c.Send(`40/guarded,{"token":"` + token + `"}`)
	if got := c.Read(); got != `44/guarded,{"message":"wrong word","data":{"code":"invalid_token"}}` {
		t.Errorf("a token of a user: %s", got)
	}
	if a := servertest.Receive(t, seen); a.Address.String() != "127.0.0.1" ||
		string(a.Payload["token"]) != `"`+token+`"` {
		t.Errorf("the guard saw %+v", a)
	}
	if n := len(s.Hub.Members()); n != 0 {
		t.Errorf("%d members before a client was let in", n)
	}
	c.Send(`40/guarded,{"word":"panic"}`)
	if got := c.Read(); got != `44/guarded,{"message":"Internal error","data":{"code":"internal"}}` {
		t.Errorf("a panic: %s", got)
	}
	c.Send(`40/guarded,{"word":"open"}`)
	if got := servertest.Masked(c.Read()); got != `40/guarded,{"sid":*}` {
		t.Errorf("CONNECT: %s, want no pid", got)
	}
	if got := c.Read(); got != `42/guarded,["you","open","","{}"]` {
		t.Errorf("the first event is %s", got)
	}
	c.Send(`42/guarded,7["auth:refresh",{"token":"` + token + `"}]`)
	if got := c.Read(); got != `43/guarded,7[{"error":{"code":"unknown_event"}}]` {
		t.Errorf("auth:refresh: %s", got)
	}
	c.Send(`42/guarded,["again"]`)
	if got := c.Read(); got != `42/guarded,["told",1]` {
		t.Errorf("told %s, want the arguments without an offset", got)
	}
	if head := s.Hub.Stats().Published; head != 0 {
		t.Errorf("%d messages in the log", head)
	}
}

func TestGuardClosesAClientThatGuesses(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	withGuard(s)
	c := s.Dial("")
	for range 3 {
		c.Send(`40/guarded,{"word":"x"}`)
	}
	if before := c.Closed(); len(before) > 3 {
		t.Errorf("%d answers: %q", len(before), before)
	}
}

// Only handlers of the namespace see its clients: no application that serves all namespaces does.
func TestGuardHidesClientsFromApplications(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	withGuard(s)
	calls := make(chan string, 16)
	s.sio.Mount(&spyApp{calls}, nil)
	c := s.Dial("")
	c.Send(`40/guarded,{"word":"open"}`)
	c.Read()
	c.Read()
	c.Send(`42/guarded,1["other"]`)
	if got := c.Read(); got != `43/guarded,1[{"error":{"code":"unknown_event"}}]` {
		t.Error(got)
	}
	if len(calls) > 0 {
		t.Errorf("the application saw %s", <-calls)
	}
	defer func() {
		if recover() == nil {
			t.Error(`"/" got a guard`)
		}
	}()
	s.sio.Of("/").Guard(func(context.Context, Arrival) (any, error) { return nil, nil })
}

type spyApp struct{ calls chan string }

func (a *spyApp) Connect(context.Context, *Conn) error { a.calls <- "connect"; return nil }
func (a *spyApp) Event(_ context.Context, _ *Conn, e *Event) bool {
	a.calls <- e.Name
	return true
}
func (a *spyApp) Disconnect(*Conn, string) { a.calls <- "disconnect" }

// Tell holds a bounded number of bytes for a client that does not read, and does not close it.
func TestTellIsBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	conns := make(chan *Conn, 1)
	s.sio.Of("/told").OnConnect(func(_ context.Context, c *Conn) error {
		conns <- c
		return nil
	})
	c := s.Poll() // nothing is written without a request
	c.Post(`40/told,{"userId":"u1"}`)
	conn := servertest.Receive(t, conns)
	word, sent, busy := strings.Repeat("x", 1000), 0, false
	for range 10_000 {
		if err := conn.Tell("word", word); errors.Is(err, ErrBusy) {
			busy = true
			break
		} else if err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if !busy || sent > maxOwnBytes/1000+1 {
		t.Fatalf("%d events of 1,000 bytes wait, busy %v", sent, busy)
	}
	for got := 0; got < sent; {
		for _, packet := range strings.Split(c.Get(), "\x1e") {
			if packet == `42/told,["word","`+word+`"]` {
				got++
			}
		}
	}
	servertest.Eventually(t, "the client may be told more", func() bool { return conn.Tell("word") == nil })
	var invalid *notify.ValidationError
	if err := conn.Tell("connect"); !errors.As(err, &invalid) {
		t.Errorf("a reserved name: %v", err)
	}
	if err := conn.Tell("word", make(chan int)); err == nil {
		t.Error("a channel was sent")
	}
}

func TestHandshakeOfAClientWithoutApplications(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.sio.Of("/other").OnConnect(func(context.Context, *Conn) error { return nil })
	c := s.Dial("&color=red&token=secret")
	connected := c.Join(`{"userId":"u1"}`)
	c.Send(`40/other,{"userId":"u1"}`)
	c.Read()
	conns := s.sio.To(connected.ClientID).Conns()
	others := s.sio.In("/other").Conns()
	if len(conns) != 1 || len(others) != 1 {
		t.Fatal(len(conns), len(others))
	}
	h := conns[0].Handshake()
	if h.Address != "127.0.0.1" || h.Query.Get("color") != "red" || h.Query.Has("token") ||
		h.Time.IsZero() || string(h.Auth) != "{}" || h.Headers.Get("Host") != s.Base {
		text, _ := json.Marshal(h)
		t.Errorf("handshake %s", text)
	}
	if id := conns[0].ConnectionID(); id != others[0].ConnectionID() || len(id) != 20 {
		t.Errorf("connection ids %q and %q", id, others[0].ConnectionID())
	}
}
