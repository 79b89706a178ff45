package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// Every message is on one line, whichever way it enters the Hub: an event stream splits its data at
// line breaks, and readers that do not join the lines would lose the event.
func TestMessagesAreOnOneLine(t *testing.T) {
	t.Parallel()
	pretty := json.RawMessage("{\r\n  \"a\": 1.50,\n\t\"b\": [\"x y\", \"\\n\\u2028\"]\r}")
	const line = `{"a":1.50,"b":["x y","\n\u2028"]}`
	notification := Notification{Type: "t", Data: pretty, Metadata: pretty}
	metadata := `{"a":1.50,"b":["x y","\n\u2028"],"channel":"orders"}`
	for _, volatile := range []bool{false, true} {
		n := notification
		n.Volatile = volatile
		for name, send := range map[string]func(*Hub) error{
			"Publish": func(h *Hub) error {
				_, err := h.Publish(t.Context(), n, ToChannel("orders"))
				return err
			},
			"PublishBatch": func(h *Hub) error {
				results, err := h.PublishBatch(t.Context(),
					[]Publication{{n, ToChannel("orders")}})
				if err == nil {
					err = results[0].Err
				}
				return err
			},
		} {
			t.Run(fmt.Sprint(name, ", volatile ", volatile), func(t *testing.T) {
				h := newHub(t, Options{})
				m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"orders"}})
				if err := send(h); err != nil {
					t.Fatal(err)
				}
				got := pulled(t, m)
				if string(got.Data) != line || string(got.Metadata) != metadata {
					t.Errorf("data %q, metadata %q", got.Data, got.Metadata)
				}
			})
		}
	}
	t.Run("Deliver", func(t *testing.T) {
		h := newHub(t, Options{})
		m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"orders"}})
		args := append(append([]byte("[\n"), pretty...), " ]"...)
		if _, err := h.Deliver(t.Context(), &Message{Rooms: []string{"orders"}, Type: "t",
			Args: args, BinaryArgs: args, Attachments: [][]byte{{1}}}); err != nil {
			t.Fatal(err)
		}
		got := pulled(t, m)
		if string(got.Args) != "["+line+"]" || string(got.BinaryArgs) != "["+line+"]" {
			t.Errorf("arguments %q, %q", got.Args, got.BinaryArgs)
		}
	})
	t.Run("Say", func(t *testing.T) {
		h := newHub(t, Options{})
		m := attach(t, h, Attachment{ClientID: "a", Rooms: []string{"orders"}})
		if _, err := h.Say(t.Context(), ClientMessage{Room: "orders", Message: pretty,
			Metadata: pretty, ClientID: "a"}, func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		if got := pulled(t, m); bytes.ContainsAny(got.Args, "\r\n") ||
			bytes.Count(got.Args, []byte(line)) != 2 {
			t.Errorf("arguments %q", got.Args)
		}
	})
}

// The limit for data counts the bytes that the caller sends.
func TestLimitsCountLineBreaks(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	data := append(bytes.Repeat([]byte("\n"), MaxData-1), '1')
	for extra, refused := range []bool{false, true} {
		_, err := h.Publish(t.Context(), Notification{Type: "t",
			Data: append(data, bytes.Repeat([]byte{' '}, extra)...)}, ToAll())
		if (err != nil) != refused {
			t.Errorf("%d bytes: %v", len(data)+extra, err)
		}
	}
}

// pulled returns the next message of a member.
func pulled(t *testing.T, m *Member) *Message {
	t.Helper()
	var next [1]Delivery
	if n, _ := m.Pull(next[:]); n != 1 || next[0].Message == nil {
		t.Fatal("no message")
	}
	return next[0].Message
}
