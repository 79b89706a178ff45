package socketio

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// nodeOptions makes a stack a server like one of Node, which accepts everyone.
func nodeOptions(o *Options) {
	node := NodeOptions()
	node.Hub, node.CheckOrigin, node.Log, node.Metrics = o.Hub, o.CheckOrigin, o.Log, o.Metrics
	node.Limits = o.Limits
	node.Auth, _ = auth.New(auth.Options{Mode: auth.ModeOpen, AllowAnonymousSocketIO: true})
	*o = node
}

// A client of a server like one of Node gets the answer to its CONNECT and nothing else that the
// application has not sent, whatever its payload.
func TestNodeServerSendsNothingOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		``, `{}`, `{"token":"of the application"}`, `{"userId":{"id":1}}`, `{"username":7}`,
		`{"channels":["a"],"as":"event","sessionId":"tab","target":true}`, `{"as":[1,2]}`,
		`{"channels":{"x":1}}`, `{"userId":" "}`, `{"pid":"x","offset":"1"}`, `{"since":"0"}`,
	} {
		s := newStack(t, func(o *Options) {
			nodeOptions(o)
			o.Heartbeat = time.Millisecond
		})
		c := s.Dial("")
		c.Send("40" + payload)
		if got := servertest.Masked(c.Read()); got != `40{"sid":*}` {
			t.Errorf("%s: got %s", payload, got)
		}
		if len(s.sio.To().Conns()[0].Rooms()) > 2 {
			t.Errorf("%s: in the rooms %v", payload, s.sio.To().Conns()[0].Rooms())
		}
		c.Send(`421["nobody handles this",` + strings.Repeat("1,", 70_000) + `1]`)
		want := `431[{"error":{"code":"payload_too_large","message":"Payload has more than 65536 ` +
			`JSON values"}}]`
		if got := c.Read(); got != want {
			t.Errorf("got %s", got)
		}
		for _, event := range []string{`"join-room","r"`, `"nobody handles this"`, `"ping"`} {
			c.Send("422[" + event + "]")
		}
		s.sio.To().Conns()[0].Do(func() { _ = s.sio.To().Conns()[0].Emit("mine", 1) })
		if got := c.Read(); got != `42["mine",1]` {
			t.Errorf("%s: got %s", payload, got)
		}
	}
}

// In token mode the preset lets nobody in without a token.
func TestNodeServerChecksTokens(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		nodeOptions(o)
		o.Auth, _ = auth.New(auth.Options{Mode: auth.ModeToken,
			Secret: auth.Secret(strings.Repeat("k", 32))})
	})
	for _, payload := range []string{``, `{"userId":"u1"}`, `{"username":7}`} {
		c := s.Dial("")
		c.Send("40" + payload)
		if got := c.Read(); !strings.HasPrefix(got, "44{") {
			t.Errorf("%s: got %s", payload, got)
		}
	}
}

// With recovery, rooms and missed events come back as in a Node server, and events end with an id.
func TestNodeServerRecovers(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		nodeOptions(o)
		o.DisableRecovery = false
	})
	c := s.Dial("")
	c.Send("40")
	var sid, pid string
	answer := c.Read()
	if _, err := fmt.Sscanf(strings.NewReplacer(`"`, ` `, `:`, ` `, `,`, ` `, `}`, ` `).
		Replace(strings.TrimPrefix(answer, "40{")), " sid   %s   pid   %s", &sid, &pid); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	conn := s.sio.To().Conns()[0]
	conn.Join("any room, as in Node")
	_, _ = s.sio.To("any room, as in Node").Emit("first")
	first := c.Read()
	offset := first[len(`42["first","`) : len(first)-2]
	_ = c.Conn.Close()
	servertest.Eventually(t, "the client is away", func() bool { return len(s.sio.To().Conns()) == 0 })
	_, _ = s.sio.To("any room, as in Node").Emit("missed")
	again := s.Dial("")
	again.Send(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, pid, offset))
	if got := again.Read(); got != answer {
		t.Errorf("got %s, want %s", got, answer)
	}
	if got := again.Read(); !strings.HasPrefix(got, `42["missed","`) {
		t.Errorf("got %s", got)
	}
}

// A client whose session the server does not know misses nothing, as in a Node server: it gets no
// event that was emitted before its CONNECT, whatever it sends.
func TestNodeServerReplaysNothingWithoutASession(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		nodeOptions(o)
		o.DisableRecovery = false
	})
	c := s.Dial("")
	c.Send("40")
	c.Read()
	_, _ = s.sio.To().Emit("first")
	first := c.Read()
	offset := first[len(`42["first","`) : len(first)-2]
	_, _ = s.sio.To().Emit("second")
	c.Read()
	for _, payload := range []string{`{"pid":"unknown","offset":%q}`, `{"since":%q}`, `{"offset":%q}`} {
		other := s.Dial("")
		other.Send("40" + fmt.Sprintf(payload, offset))
		if got := servertest.Masked(other.Read()); got != `40{"sid":*,"pid":*}` {
			t.Errorf("%s: got %s", payload, got)
		}
		_, _ = s.sio.To().Emit("next")
		if got := other.Read(); !strings.HasPrefix(got, `42["next","`) {
			t.Errorf("%s: got %s", payload, got)
		}
	}
}

func TestNodeServerTakesManyAttachments(t *testing.T) {
	t.Parallel()
	s := newStack(t, nodeOptions)
	got := make(chan int, 1)
	s.sio.Of("/").On("photos", func(_ context.Context, _ *Conn, e *Event) error {
		got <- len(e.Binary())
		return nil
	})
	c := s.Dial("")
	c.Send("40")
	c.Read()
	places := make([]string, 64)
	for i := range places {
		places[i] = fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i)
	}
	c.Send(`4564-["photos",` + strings.Join(places, ",") + `]`)
	for range places {
		c.SendBinary([]byte{1})
	}
	if n := servertest.Receive(t, got); n != 64 {
		t.Errorf("%d attachments", n)
	}
	c.Send(`4565-["photos"]`)
	c.Closed()
}
