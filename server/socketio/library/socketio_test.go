package library

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/v2/socket"

	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestHandshakeHidesToken(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	seen := make(chan *socket.Handshake, 1)
	_ = s.io.On("connection", func(args ...any) { seen <- args[0].(*socket.Socket).Handshake() })
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	c := s.Dial("&token=" + token + "&ticket=canary&theme=dark")
	c.Join(`{"token":"` + token + `","ticket":"canary","theme":"dark"}`)
	h := servertest.Receive(t, seen)
	text := fmt.Sprintf("%v %v %v %v", h.Auth, h.Query, h.Url, h.Headers)
	if strings.Contains(text, token) || strings.Contains(text, "canary") {
		t.Errorf("the handshake shows a secret: %s", text)
	}
	if h.Auth.(map[string]any)["theme"] != "dark" || h.Query["theme"][0] != "dark" {
		t.Errorf("the handshake lost a field that is not secret: %+v", h)
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_ = s.io.Of("/admin", nil).On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		client.Join("ops")
		_ = client.On("who", func(args ...any) {
			args[0].(socket.Ack)([]any{client.Nsp().Name()}, nil)
		})
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`40/admin,{"userId":"u1"}`)
	if got := servertest.Masked(c.Read()); got != `40/admin,{"sid":*,"pid":*}` {
		t.Fatalf("CONNECT reply %s", got)
	}
	c.Send(`42/admin,7["who"]`)
	if got := c.Read(); got != `43/admin,7["/admin"]` {
		t.Fatalf("ack %s", got)
	}
	_ = s.io.To("ops").Emit("wrong", 1) // this is a different room in "/"
	_ = s.io.Of("/admin", nil).To("ops").Emit("right", 2)
	if got := servertest.Masked(c.Read()); got != `42/admin,["right",2,"ID"]` {
		t.Fatalf("got %s", got)
	}
	c.Send(`41/admin,`)
	c.Send(`40/admin,{"userId":"u1"}`) // without waiting
	if got := servertest.Masked(c.Read()); got != `40/admin,{"sid":*,"pid":*}` {
		t.Fatalf("CONNECT after DISCONNECT: %s", got)
	}
	servertest.Eventually(t, "one member of /admin", func() bool {
		return len(s.Hub.Match([]string{"/admin#*"}, nil)) == 1
	})
}

func TestAcknowledgementsBothWays(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	got := make(chan []any, 1)
	_ = s.io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("sum", func(args ...any) {
			args[2].(socket.Ack)([]any{args[0].(float64) + args[1].(float64)}, nil)
		})
		_ = client.Emit("question", "?", func(args []any, err error) { got <- args })
	})
	c := s.Dial("")
	c.Send(`40{"userId":"u1"}`)
	c.Read()
	var question string
	for question == "" {
		if text := c.Read(); strings.Contains(text, "question") {
			question = text
		}
	}
	id := strings.TrimPrefix(question[:strings.Index(question, "[")], "42")
	if question != "42"+id+`["question","?"]` || id == "" {
		t.Fatalf("an emit with acknowledgement went out as %s", question)
	}
	c.Send("43" + id + `["!",2]`)
	if args := servertest.Receive(t, got); len(args) != 2 || args[0] != "!" {
		t.Errorf("the acknowledgement brought %v", args)
	}
	c.Send(`4212["sum",1,2]`)
	if got := c.Read(); got != `4312[3]` {
		t.Errorf("got %s", got)
	}
	c.Send(`4213["unknown"]`)
	if got := c.Read(); got != `4313[{"error":{"code":"unknown_event"}}]` {
		t.Errorf("got %s", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), servertest.Patience)
	defer cancel()
	answers := make(chan []socketio.Answer, 1)
	go func() {
		a, err := s.sio.To().Ask(ctx, "poll")
		if err != nil {
			t.Errorf("Ask: %v", err)
		}
		answers <- a
	}()
	poll := c.Read()
	c.Send("43" + strings.TrimPrefix(poll[:strings.Index(poll, "[")], "42") + `["yes"]`)
	if a := servertest.Receive(t, answers); len(a) != 1 || string(a[0].JSON(0)) != `"yes"` {
		t.Errorf("Ask got %v", a)
	}
}

func TestBinaryBothWays(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_ = s.io.On("connection", func(args ...any) {
		client := args[0].(*socket.Socket)
		_ = client.On("up", func(args ...any) { _ = client.Emit("down", args...) })
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`452-["up",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]`)
	c.SendBinary([]byte{1, 2})
	c.SendBinary([]byte{3})
	got := servertest.Masked(c.Read())
	if got != `452-["down",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}],"ID"]` {
		t.Fatalf("got %s", got)
	}
	if a, b := c.Read(), c.Read(); a != "\x03" || b != "\x01\x02" {
		t.Errorf("attachments %q and %q", a, b)
	}
}
