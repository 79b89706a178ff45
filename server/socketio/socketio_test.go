package socketio

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

func withTokens(t testing.TB) func(*Options) {
	return func(o *Options) {
		a, err := auth.New(auth.Options{Mode: auth.ModeToken,
			Secret: auth.Secret(servertest.Secret)})
		if err != nil {
			t.Fatal(err)
		}
		o.Auth = a
	}
}

func TestConnectAndNotify(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.DefaultChannels = []string{"general"} })
	c := s.Dial("")
	c.Send(`40{"userId":"u1","username":"Ann"}`)
	if got, want := servertest.Masked(c.Read()), `40{"sid":*,"pid":*}`; got != want {
		t.Fatalf("CONNECT reply %s, want %s", got, want)
	}
	want := `42["connected",{"type":"connected","clientId":*,"socketId":*,"userId":"u1",` +
		`"username":"Ann","timestamp":*,"totalConnections":1,"recovered":false},"ID"]`
	if got := servertest.Masked(c.Read()); got != want {
		t.Fatalf("connected is\n%s, want\n%s", got, want)
	}
	for _, target := range []string{
		`{"user":"u1"}`, `{"users":["u1","u2"]}`,
		`{"channel":"general"}`, `{"channels":["general","x"]}`, `{"all":true}`,
	} {
		receipt := s.Publish(`{"target":` + target +
			`,"type":"payment:completed","data":{"amount": 9.99}}`)
		text := c.Read()
		if !strings.HasPrefix(text, `42["payment:completed",{"id":"`+receipt.ID+
			`","type":"payment:completed","data":{"amount": 9.99},"timestamp":"`) ||
			!strings.HasSuffix(text, `,"`+receipt.ID+`"]`) || receipt.Delivered != 1 {
			t.Errorf("target %s: got %s and %+v", target, text, receipt)
		}
	}
}

func TestRefusedConnect(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	expired := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(-time.Hour).Unix()})
	good := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
	tests := []struct{ in, want string }{
		{`40`, `44{"message":"Authentication required","data":{"code":"unauthenticated"}}`},
		{`40{"userId":"u1"}`,
			`44{"message":"Authentication required","data":{"code":"unauthenticated"}}`},
		{`40{"token":"nonsense"}`, `44{"message":"Invalid token","data":{"code":"invalid_token"}}`},
		{`40{"token":"` + expired + `"}`,
			`44{"message":"Token expired","data":{"code":"token_expired"}}`},
		{`40{"token":"` + good + `","userId":"bob"}`,
			`44{"message":"Invalid token","data":{"code":"invalid_token"}}`},
		{`40/admin,{"token":"nonsense"}`,
			`44/admin,{"message":"Invalid token","data":{"code":"invalid_token"}}`},
		{`40/none,{"token":"` + good + `"}`, `44/none,{"message":"Invalid namespace"}`},
	}
	for _, tt := range tests {
		c := s.Dial("")
		c.Send(tt.in)
		if got := c.Read(); got != tt.want {
			t.Errorf("%.30s: got %s, want %s", tt.in, got, tt.want)
		}
	}
	c := s.Dial("")
	if got := c.Join(`{"token":"` + good + `"}`); got.UserID != "u1" {
		t.Errorf("a good token connected %+v", got)
	}
}

func TestTokenExpiryEndsConnection(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	token := servertest.SignHS256(t, servertest.Secret,
		map[string]any{"sub": "u1", "exp": time.Now().Add(2 * time.Second).Unix()})
	c := s.Dial("")
	c.Join(`{"token":"` + token + `"}`)
	c.Event("auth:expiring", nil)
	c.Event("auth:expired", nil)
	if rest := c.Closed(); len(rest) > 1 || len(rest) == 1 && rest[0] != "1" {
		t.Errorf("after auth:expired came %q", rest)
	}
}

// The namespaces of a client share one connection, so those that are refused do not close it.
func TestRefusedNamespacesLeaveConnectionOpen(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) { o.MaxNamespaces = 3 })
	for _, name := range []string{"/n1", "/n2", "/n3", "/n4", "/n5", "/n6"} {
		s.sio.Of(name).OnConnect(func(context.Context, *Conn) error { return nil })
	}
	s.sio.Of("/members").OnConnect(func(context.Context, *Conn) error {
		return Refuse("members only", nil)
	})
	c := s.Dial("")
	for range 5 {
		c.Send(`40/members,{"userId":"u1"}`)
		c.Send(`40/unknown,{"userId":"u1"}`)
		c.Send(`40/n1,{}`)
		expectPackets(t, c, `44/members,{"message":"members only"}`,
			`44/unknown,{"message":"Invalid namespace"}`,
			`44/n1,{"message":"Authentication required","data":{"code":"unauthenticated"}}`)
	}
	for _, name := range []string{"/n1", "/n2", "/n3"} {
		c.Send("40" + name + `,{"userId":"u1"}`)
		expectPackets(t, c, "40"+name+`,{"sid":`)
	}
	for _, name := range []string{"/n4", "/n5", "/n6"} {
		c.Send("40" + name + `,{"userId":"u1"}`)
		expectPackets(t, c, "44"+name+`,{"message":"Forbidden","data":{"code":"room_limit"`)
	}
	c.Send("41/n1,") // another one may take its place
	c.Send(`40/n4,{"userId":"u1"}`)
	expectPackets(t, c, `40/n4,{"sid":`)
}

// Three CONNECTs with invalid tokens close the connection, because the client may guess.
func TestThirdInvalidTokenCloses(t *testing.T) {
	t.Parallel()
	s := newStack(t, withTokens(t))
	c := s.Dial("")
	for range 3 {
		c.Send(`40{"token":"guess"}`)
	}
	refused := 0
	for _, got := range c.Closed() {
		refused += strings.Count(got, "44{")
	}
	if refused != 3 {
		t.Errorf("%d refusals before the close", refused)
	}
}
