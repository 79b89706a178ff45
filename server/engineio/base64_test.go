package engineio

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/gorilla/websocket"
)

// socket.io-client with forceBase64 sends binary messages as text frames on WebSocket, and asks for
// the same with b64=1.
func TestWebSocketBase64(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	direct := f.dial("&b64=1")
	direct.next()
	query, _ := f.open()
	upgraded := f.dial(query[len("&transport=polling"):] + "&b64=1")
	upgraded.send("2probe")
	upgraded.expect("3probe")
	upgraded.send("5")
	for name, ws := range map[string]*socket{"websocket only": direct, "after an upgrade": upgraded} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{0, 1, 4, 5000, 700_000} {
				text := "b" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, size))
				ws.send(text)
				ws.expect(text)
			}
			if err := ws.WriteMessage(websocket.BinaryMessage, []byte{1, 2, 3, 4}); err != nil {
				t.Fatal(err)
			}
			ws.expect("bAQIDBA==")
			ws.send("4hello")
			ws.expect("4hello")
		})
	}
}

// Only the client's query selects text frames: Node's server decodes base64 of any client.
func TestWebSocketBase64WithoutTheQuery(t *testing.T) {
	f := serve(t, Options{})
	f.echo = true
	ws, _ := f.connect()
	ws.send("bAQIDBA==")
	kind, data, err := ws.read()
	if err != nil || kind != websocket.BinaryMessage || data != "\x01\x02\x03\x04" {
		t.Errorf("kind %d, %q, %v", kind, data, err)
	}
}
