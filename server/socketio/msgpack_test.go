package socketio

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/msgpack"
	"github.com/roomcast/roomcast/server/servertest"
)

// packed is a client that speaks MessagePack.
type packed struct {
	*servertest.WebSocket
	t *testing.T
}

func (s *testStack) packed(t *testing.T) packed { return packed{s.Dial(""), t} }

// send writes a packet whose members are JSON, with attachments for its placeholders.
func (c packed) send(json string, attachments ...[]byte) {
	c.SendBinary(msgpack.AppendJSON(nil, []byte(json), attachments))
}

// read returns the next packet as JSON.
func (c packed) read() string {
	c.t.Helper()
	_ = c.Conn.SetReadDeadline(time.Now().Add(servertest.Patience))
	kind, data, err := c.Conn.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage {
		c.t.Fatalf("read %d %q: %v", kind, data, err)
	}
	return c.json(data)
}

func (c packed) json(data []byte) string {
	c.t.Helper()
	text, attachments, err := msgpack.JSON(data, msgpack.Limits{Depth: 99, Values: 1e6, Binary: 99, Bytes: 1e8})
	if err != nil {
		c.t.Fatalf("%x: %v", data, err)
	}
	return servertest.Masked(string(notify.JoinBinary(text, attachments)))
}

func usesMsgpack(o *Options) { o.Parser = ParserMsgpack }

// The packets of a whole connection, as socket.io-msgpack-parser sends and expects them.
func TestMsgpackConversation(t *testing.T) {
	t.Parallel()
	s := newStack(t, usesMsgpack)
	s.sio.Of("/chat").OnConnect(func(_ context.Context, c *Conn) error {
		if string(c.Handshake().Auth) == `{"userId":"out"}` {
			return Refuse("no", map[string]any{"why": "because"})
		}
		return nil
	})
	s.sio.Of("/chat").On("echo", func(_ context.Context, c *Conn, e *Event) error {
		values, err := e.Values()
		e.Ack(values...)
		return err
	})
	c := s.packed(t)
	expect := func(want string) {
		t.Helper()
		if got := c.read(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	c.send(`{"type":0,"data":{"userId":"out"},"options":{"compress":true},"nsp":"/chat"}`)
	expect(`{"type":4,"nsp":"/chat","data":{"message":"no","data":{"why":"because"}}}`)
	c.send(`{"type":0,"data":{"userId":"u1"},"nsp":"/chat"}`)
	expect(`{"type":0,"nsp":"/chat","data":{"sid":*,"pid":*}}`)
	c.send(`{"type":2,"data":["echo",1,{"a":[null]},{"_placeholder":true,"num":0}],"id":7,"nsp":"/chat"}`,
		[]byte{1, 2})
	expect(`{"type":3,"nsp":"/chat","id":7,"data":[1,{"a":[null]},{"$binary":"AQI="}]}`)
	_, _ = s.sio.In("/chat").Emit("news", "text", []byte{3}, 1.5)
	expect(`{"type":2,"nsp":"/chat","data":["news","text",{"$binary":"Aw=="},1.5,"ID"]}`)
	answers := make(chan Answer, 1)
	if err := s.sio.In("/chat").Conns()[0].AskFunc("question", func(a Answer, err error) {
		answers <- a
	}, []byte{4}); err != nil {
		t.Fatal(err)
	}
	expect(`{"type":2,"nsp":"/chat","id":1,"data":["question",{"$binary":"BA=="}]}`)
	c.send(`{"type":3,"data":["answer",{"_placeholder":true,"num":0}],"id":1,"nsp":"/chat"}`, []byte{5})
	if a := servertest.Receive(t, answers); string(a.JSON(0)) != `"answer"` || string(a.Binary()[0]) != "\x05" {
		t.Errorf("%+v", a)
	}
	s.sio.In("/chat").Conns()[0].Close()
	expect(`{"type":1,"nsp":"/chat"}`)

	c.send(`{"type":0,"data":{"userId":"u1","as":["type","event"]},"nsp":"/"}`)
	expect(`{"type":0,"nsp":"/","data":{"sid":*,"pid":*}}`)
	if got := c.read(); !strings.HasPrefix(got, `{"type":2,"nsp":"/","data":["connected",{`) {
		t.Errorf("got %s", got)
	}
	c.send(`{"type":2,"data":["join-room","r"],"nsp":"/","id":0}`)
	if got := c.read(); !strings.HasPrefix(got, `{"type":2,"nsp":"/","data":["room-joined",{"room":"r"`) {
		t.Errorf("got %s", got)
	}
	c.read()
	s.Publish(`{"target":{"channel":"r"},"type":"a name","data":[1,2]}`)
	for _, name := range []string{"a name", "event"} {
		if got := c.read(); !strings.HasPrefix(got,
			`{"type":2,"nsp":"/","data":["`+name+`",{"id":"ID","type":"a name","data":[1,2],"timestamp":*`) {
			t.Errorf("got %s", got)
		}
	}
	c.send(`{"type":1,"nsp":"/"}`)
}

// A broadcast to clients of MessagePack is encoded once, whatever the number of arguments, and a
// name in it is replaced in place.
func TestMsgpackNameInPlace(t *testing.T) {
	t.Parallel()
	s := newStack(t, usesMsgpack)
	for _, n := range []int{0, 1, 13, 14, 15, 40, 70_000} {
		for _, name := range []string{"n", strings.Repeat("x", 40)} {
			m := &notify.Message{Namespace: "/chat", Type: name, Args: []byte("[" + strings.TrimSuffix(
				strings.Repeat("1,", n), ",") + "]")}
			f := s.sio.buildFrame(m).(*messageFrame)
			whole := f.Binary(0)
			if got := msgpack.NewReader(whole[f.header:f.rest]).String(); got != name {
				t.Errorf("%d arguments: %.40q", n, got)
			}
		}
	}
}

func TestMsgpackPolling(t *testing.T) {
	t.Parallel()
	s := newStack(t, usesMsgpack)
	p := s.Poll()
	encode := func(json string) string {
		return "b" + base64.StdEncoding.EncodeToString(msgpack.AppendJSON(nil, []byte(json), nil))
	}
	p.Post(encode(`{"type":0,"data":{"userId":"u1"},"nsp":"/"}`))
	got := p.Get()
	for part := range strings.SplitSeq(got, "\x1e") {
		data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(part, "b"))
		if err != nil || !strings.HasPrefix(part, "b") {
			t.Fatalf("%q: %v", got, err)
		}
		if text := (packed{t: t}).json(data); !strings.HasPrefix(text, `{"type":`) {
			t.Errorf("%s", text)
		}
	}
}

// A message that the parser does not allow closes the connection, as with the default parser.
func TestMsgpackMalformed(t *testing.T) {
	t.Parallel()
	limits := standardLimits
	valid := func(json string) string {
		return hex.EncodeToString(msgpack.AppendJSON(nil, []byte(json), [][]byte{{1}}))
	}
	const bin = `{"_placeholder":true,"num":0}`
	for name, message := range map[string]string{
		"nothing": "", "nil": "c0", "an array": "90", "cut": "82a474797065", "bytes behind": valid(`{"type":0,"nsp":"/"}`) + "c0",
		"no type": valid(`{"nsp":"/"}`), "no such type": valid(`{"type":5,"nsp":"/"}`),
		"a huge type": valid(`{"type":18446744073709551615,"nsp":"/"}`), "a negative type": valid(`{"type":-1,"nsp":"/"}`),
		"type as text": valid(`{"type":"0","nsp":"/"}`), "CONNECT_ERROR": valid(`{"type":4,"nsp":"/","data":{}}`),
		"namespace without slash": valid(`{"type":0,"nsp":"chat"}`), "namespace with comma": valid(`{"type":0,"nsp":"/a,b"}`),
		"long namespace": valid(`{"type":0,"nsp":"/` + strings.Repeat("x", 128) + `"}`),
		"twice":          valid(`{"type":0,"nsp":"/","type":2}`), "negative id": valid(`{"type":2,"nsp":"/","id":-1,"data":["x"]}`),
		"id as text": valid(`{"type":2,"nsp":"/","id":"1","data":["x"]}`), "a large id": valid(`{"type":2,"nsp":"/","id":9007199254740993,"data":["x"]}`),
		"CONNECT with an array": valid(`{"type":0,"nsp":"/","data":[]}`), "CONNECT with an id": valid(`{"type":0,"nsp":"/","id":1}`),
		"CONNECT with binary":  valid(`{"type":0,"nsp":"/","data":{"a":` + bin + `}}`),
		"DISCONNECT with data": valid(`{"type":1,"nsp":"/","data":{}}`), "no data": valid(`{"type":2,"nsp":"/"}`),
		"an object as event": valid(`{"type":2,"nsp":"/","data":{}}`), "no name": valid(`{"type":2,"nsp":"/","data":[]}`),
		"name null": valid(`{"type":2,"nsp":"/","data":[null]}`), "reserved": valid(`{"type":2,"nsp":"/","data":["connect"]}`),
		"binary as name": valid(`{"type":2,"nsp":"/","data":[` + bin + `]}`),
		"ACK without id": valid(`{"type":3,"nsp":"/","data":[]}`), "data nil": valid(`{"type":2,"nsp":"/","data":null}`),
		"a forged placeholder": valid(`{"type":2,"nsp":"/","data":["x",` + bin + `,{"_placeholder":true,"num": 0}]}`),
		"33 levels":            valid(`{"type":2,"nsp":"/","data":["x",` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `]}`),
		"11 attachments":       valid(`{"type":2,"nsp":"/","data":["x"` + strings.Repeat(","+bin, 11) + `]}`),
	} {
		data, err := hex.DecodeString(message)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := decodeMsgpack(data, true, 1e6, limits); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, err := decodeMsgpack([]byte(`2["x"]`), false, 1e6, limits); err == nil {
		t.Error("a text is accepted")
	}
	s := newStack(t, usesMsgpack)
	for _, send := range []func(*servertest.WebSocket){
		func(c *servertest.WebSocket) { c.Send(`40{"userId":"u1"}`) },
		func(c *servertest.WebSocket) { c.SendBinary([]byte{0xdd, 255, 255, 255, 255}) },
	} {
		c := s.Dial("")
		send(c)
		c.Closed()
	}
	c := s.packed(t)
	c.send(`{"type":0,"nsp":"/","data":{"userId":"u1"}}`)
	if got := c.read(); !strings.HasPrefix(got, `{"type":0,`) {
		t.Errorf("got %s", got)
	}
}

// What is too large is refused in its place, with an answer.
func TestMsgpackExcess(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(o *Options) {
		o.Parser = ParserMsgpack
		o.MaxPayload = 100_000
	})
	c := s.packed(t)
	c.send(`{"type":0,"nsp":"/","data":{"userId":"u1","x":"` + strings.Repeat("x", 17<<10) + `"}}`)
	if _, err := c.Next(); err == nil {
		if got, err := c.Next(); err == nil {
			t.Errorf("a large CONNECT is not the end: %q", got)
		}
	}
	c = s.packed(t)
	c.send(`{"type":0,"nsp":"/","data":{"userId":"u1"}}`)
	c.read()
	c.read()
	for id, args := range []string{
		strings.Repeat("1,", 4096) + "1", // values
		`"` + strings.Repeat(`\u0001`, 90_000) + `"`,
	} {
		c.send(fmt.Sprintf(`{"type":2,"nsp":"/","id":%d,"data":["x",%s]}`, id, args))
		want := fmt.Sprintf(`{"type":3,"nsp":"/","id":%d,"data":[{"error":{"code":"payload_too_large"`, id)
		if got := c.read(); !strings.HasPrefix(got, want) {
			t.Errorf("got %s", got)
		}
		if got := c.read(); !strings.Contains(got, `"error"`) {
			t.Errorf("got %s", got)
		}
	}
}

// Any message gives an error or a packet that obeys the rules of the default parser.
func FuzzDecodeMsgpack(f *testing.F) {
	for _, json := range []string{`{"type":0,"nsp":"/","data":{"token":"x"}}`, `{"type":1,"nsp":"/a"}`,
		`{"type":2,"nsp":"/","id":7,"data":["x",1,[{}],{"_placeholder":true,"num":0}],"options":{"compress":true}}`,
		`{"type":3,"nsp":"/","id":0,"data":[]}`} {
		f.Add(msgpack.AppendJSON(nil, []byte(json), [][]byte{{1, 2}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeMsgpack(data, true, 4096, standardLimits)
		if err != nil {
			return
		}
		if p.excess != nil {
			return
		}
		header := appendHeader(nil, p.kind, 0, p.namespace, nil)
		if p.hasID {
			header = appendHeader(nil, p.kind, 0, p.namespace, &p.id)
		}
		args := Args{p.args, p.parts}
		if _, err := args.Values(); err != nil {
			t.Fatalf("%x: %v", data, err)
		}
		if p.isEvent() || p.isAck() {
			text, err := args.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if p.isEvent() {
				text = append(append([]byte("["), quote(p.name)...), appendArgs(nil, text)...)
				text = append(text, ']')
			}
			if _, err := decodePacket(append(header, text...), packetLimits{10, 1 << 20}); err != nil {
				t.Fatalf("%x is %s%s: %v", data, header, text, err)
			}
		}
	})
}
