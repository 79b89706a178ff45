package sse

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

var (
	testTime = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	testID   = notify.ID{Epoch: 0x5f3a9c01, Seq: 1042}
)

// appendTo appends the whole event.
func (f *frame) appendTo(dst []byte, as string) []byte {
	dst, shared := f.split(dst, as, notify.ID{})
	return append(dst, shared...)
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestFrame(t *testing.T) {
	for name, c := range map[string]struct {
		m        *notify.Message
		want, as string // as: with the notifications named "x"
	}{
		"notification": {
			m: &notify.Message{Type: "payment:completed", Data: raw(`{"n":1}`),
				Metadata: raw(`{"channel":"c"}`)},
			want: "id: 5f3a9c01-1042\nevent: payment:completed\ndata: " +
				"{\"id\":\"5f3a9c01-1042\",\"type\":\"payment:completed\",\"data\":{\"n\":1}," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\",\"metadata\":{\"channel\":\"c\"}}\n\n",
			as: "id: 5f3a9c01-1042\nevent: x\ndata: {\"id\":\"5f3a9c01-1042\"," +
				"\"type\":\"payment:completed\",\"data\":{\"n\":1}," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\",\"metadata\":{\"channel\":\"c\"}}\n\n",
		},
		"volatile, no data": {
			m: &notify.Message{Type: "typing", Volatile: true},
			want: "id: 5f3a9c01-1042\nevent: typing\ndata: {\"type\":\"typing\",\"data\":null," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
			as: "id: 5f3a9c01-1042\nevent: x\ndata: {\"type\":\"typing\",\"data\":null," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
		},
		"line breaks in data": {
			m: &notify.Message{Type: "t", Data: raw("{\r\n \"a\":\r1,\n\n\"b\":2\n}")},
			want: "id: 5f3a9c01-1042\nevent: t\ndata: {\"id\":\"5f3a9c01-1042\",\"type\":\"t\"," +
				"\"data\":{\ndata:  \"a\":\ndata: 1,\ndata: \ndata: \"b\":2\ndata: }," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
			as: "id: 5f3a9c01-1042\nevent: x\ndata: {\"id\":\"5f3a9c01-1042\",\"type\":\"t\"," +
				"\"data\":{\ndata:  \"a\":\ndata: 1,\ndata: \ndata: \"b\":2\ndata: }," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
		},
		"emit of one": {m: &notify.Message{Type: "chat", Args: raw(`[{"a":"b"}]`)},
			want: "id: 5f3a9c01-1042\nevent: chat\ndata: {\"a\":\"b\"}\n\n"},
		"emit of several": {m: &notify.Message{Type: "chat", Args: raw(`["a",2]`)},
			want: "id: 5f3a9c01-1042\nevent: chat\ndata: [\"a\",2]\n\n"},
		"emit of none": {m: &notify.Message{Type: "chat", Args: raw(`[]`)},
			want: "id: 5f3a9c01-1042\nevent: chat\ndata: null\n\n"},
		"emit of line breaks": {m: &notify.Message{Type: "chat", Args: raw("[[1,\n2]]")},
			want: "id: 5f3a9c01-1042\nevent: chat\ndata: [1,\ndata: 2]\n\n"},
		"emit named message": {m: &notify.Message{Type: "message", Args: raw(`["hi"]`)},
			want: "id: 5f3a9c01-1042\nevent: message\ndata: \"hi\"\n\n"},
		"emit named by spaces": {m: &notify.Message{Type: " a ", Args: raw(`["hi"]`)},
			want: "id: 5f3a9c01-1042\nevent:  a \ndata: \"hi\"\n\n"},
		"bare": {m: &notify.Message{Type: "connection-update", Volatile: true,
			Bare: true, Data: raw(`{"a":1}`)},
			want: "id: 5f3a9c01-1042\nevent: connection-update\ndata: {\"a\":1}\n\n"},
		"emit named error": {
			m: &notify.Message{Type: "error", Args: raw(`["a",2]`)},
			want: "id: 5f3a9c01-1042\nevent: message\ndata: {\"id\":\"5f3a9c01-1042\"," +
				"\"type\":\"error\",\"data\":[\"a\",2]," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
		},
		"emit without a name": {
			m: &notify.Message{Type: "", Args: raw(`[]`)},
			want: "id: 5f3a9c01-1042\nevent: message\ndata: {\"id\":\"5f3a9c01-1042\"," +
				"\"type\":\"\",\"data\":null,\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
		},
		"emit whose name is an attack": {
			m: &notify.Message{Type: "a\r\nid: 1\n\ndata: x\x00", Args: raw(`[1]`)},
			want: "id: 5f3a9c01-1042\nevent: message\ndata: {\"id\":\"5f3a9c01-1042\"," +
				"\"type\":\"a\\r\\nid: 1\\n\\ndata: x\\u0000\",\"data\":1," +
				"\"timestamp\":\"2026-11-22T10:00:00.000Z\"}\n\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.m.ID, c.m.Timestamp = testID, testTime
			f := frameOf(c.m)
			if got := string(f.appendTo(nil, "")); got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
			if f.Size() != len(c.want) {
				t.Errorf("size %d, want %d", f.Size(), len(c.want))
			}
			if c.as == "" {
				c.as = c.want // never renamed
			}
			if got := string(f.appendTo(nil, "x")); got != c.as {
				t.Errorf("as x: got\n%q, want\n%q", got, c.as)
			}
			if frameOf(c.m) != f {
				t.Error("encoded twice")
			}
		})
	}
}

// FuzzSSE checks that a conforming reader gets every message as one unchanged event: no name, id,
// room or data adds or ends a field.
func FuzzSSE(f *testing.F) {
	for _, name := range []string{
		"a", "chat message", "", "open", "error", "message", "a\nb", "a\rb", "a\r\nb", "a\x00b",
		"\u2028", "\u0085", "\uFEFF", " a", "a ", ":", "a: b",
		"data: x", "x\n\ndata: y", "\xff", "\"\\",
	} {
		f.Add(name, "general", `{"a":[1,"\n"]}`, false, false)
		f.Add(name, name, "[\r\n1,\r2\n\n]", true, false)
		f.Add("t", name, "\"\u2028\"", false, true)
	}
	f.Add("t", "r", " \n{ }\r ", false, true)
	f.Add("t", "r", "\r", true, true)
	f.Fuzz(func(t *testing.T, name, room, data string, emit, volatile bool) {
		if !json.Valid([]byte(data)) || strings.ToValidUTF8(data, "") != data {
			t.Skip() // the publish API refuses both
		}
		m := &notify.Message{ID: testID, Volatile: volatile, Type: name, Timestamp: testTime}
		if emit {
			m.Args = raw("[" + data + "]")
		} else {
			m.Data = raw(data)
			m.Metadata, _ = json.Marshal(map[string]string{"channel": room})
		}
		for _, as := range []string{"", "x"} {
			wire := append([]byte("data: 0\n\n"), frameOf(m).appendTo(nil, as)...)
			wire = append(wire, "data: 1\n\n"...)
			p := newParser(bytes.NewReader(wire))
			for _, sentinel := range []string{"0", "", "1"} {
				got, err := p.next()
				if err != nil {
					t.Fatalf("%q: %v", wire, err)
				}
				if sentinel != "" {
					if got.name != "message" || got.data != sentinel {
						t.Fatalf("%q: got %+v around it", wire, got)
					}
					continue
				}
				check(t, m, as, got)
			}
			if got, err := p.next(); err != io.EOF || p.retry != "" || p.comments != nil {
				t.Fatalf("%q: more than one event: %+v, retry %q, comments %q", wire, got, p.retry,
					p.comments)
			}
		}
	})
}

// check compares a parsed event with its message.
func check(t *testing.T, m *notify.Message, as string, got event) {
	t.Helper()
	name, wrapped := m.Type, m.Args == nil
	switch {
	case strings.ContainsAny(name, "\r\n\x00") || name == "" || name == "open" || name == "error" ||
		strings.ToValidUTF8(name, "") != name:
		name, wrapped = "message", true
	}
	if as != "" && m.Args == nil {
		name = as
	}
	if got.name != name || got.id != testID.String() {
		t.Fatalf("got %+v, want name %q and id %s", got, name, testID)
	}
	value := raw(got.data)
	if wrapped {
		var object struct {
			ID, Type, Timestamp string
			Data                json.RawMessage
			Metadata            map[string]string
		}
		if err := json.Unmarshal(value, &object); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if object.Type != strings.ToValidUTF8(m.Type, "\uFFFD") &&
			object.Type != string([]rune(m.Type)) {
			t.Fatalf("type %q, want %q", object.Type, m.Type)
		}
		if (object.ID == "") != m.Volatile || m.Args == nil && object.Metadata["channel"] == "" &&
			m.Metadata != nil && string(m.Metadata) != `{"channel":""}` {
			t.Fatalf("object %+v of %+v", object, m)
		}
		value = object.Data
	}
	if compact(t, value) != compact(t, m.Payload()) {
		t.Fatalf("data %q, want %q", value, m.Payload())
	}
}

// compact removes the space between tokens, which is all that the split into lines may change.
func compact(t *testing.T, value []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	return b.String()
}
