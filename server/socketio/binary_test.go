package socketio

import (
	"bytes"
	"context"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

// Both sides can send binary data: as an argument or inside of one, in an event, in its
// acknowledgement, and in the answer to an Ask.
func TestBinaryBothWays(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	root := s.sio.Of("/")
	root.On("up", func(ctx context.Context, c *Conn, e *Event) error {
		var file struct{ Data []byte }
		var whole []byte
		if err := e.Bind(&whole, &file); err != nil {
			return err
		}
		if err := c.Emit("down", whole, map[string]any{"data": file.Data}); err != nil {
			return err
		}
		e.Ack([]any{whole}, len(file.Data))
		answer, err := c.Ask(ctx, "more", whole)
		if err != nil {
			return err
		}
		values, err := answer.Values()
		if err != nil {
			return err
		}
		return c.Emit("end", values...)
	})
	c, _ := s.Connect(`{"userId":"u1"}`)
	c.Send(`452-7["up",{"_placeholder":true,"num":1},{"data":{"_placeholder":true,"num":0}}]`)
	c.SendBinary([]byte{1, 2})
	c.SendBinary([]byte{3})
	const whole, part = "\x03", "\x01\x02"
	expectExactly(t, c,
		`452-["down",{"_placeholder":true,"num":0},{"data":{"_placeholder":true,"num":1}},"ID"]`,
		whole, part,
		`461-7[[{"_placeholder":true,"num":0}],2]`, whole,
		`451-1["more",{"_placeholder":true,"num":0}]`, whole)
	c.Send(`461-1[{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte("answer"))
	expectExactly(t, c, `451-["end",{"_placeholder":true,"num":0},"ID"]`, "answer")
}

// expectExactly reads these packets and attachments, with masked ids.
func expectExactly(t testing.TB, c *servertest.WebSocket, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := servertest.Masked(c.Read()); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// EventSource cannot carry binary data, so streams get it as base64.
func TestStreamsGetBinaryAsBase64(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	_, lines := s.Stream(map[string][]string{"userId": {"u1"}}, nil)
	firstID(t, lines.Scan, lines.Text)
	if _, err := s.sio.To().Emit("n", []byte("abc"), bytes.NewBufferString("def")); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if lines.Text() == `data: ["YWJj","ZGVm"]` {
			return
		}
	}
	t.Error("the stream ended without the event")
}
