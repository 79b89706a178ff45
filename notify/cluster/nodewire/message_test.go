package nodewire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/rooms"
)

var (
	someID = notify.ID{Epoch: notify.StreamEpoch, Seq: 1795862270696 << 22}
	someAt = time.Date(2026, 11, 28, 10, 37, 50, 696e6, time.UTC)
)

// The exact fields of each kind of message.
func TestFieldsOfMessages(t *testing.T) {
	t.Parallel()
	const sid = "Dq4zJd3bG0wq1Z6pAAAAAAAB"
	for _, c := range []struct {
		name  string
		m     *notify.Message
		pairs []string
	}{
		{
			"a notification",
			&notify.Message{
				Namespace: "/", Rooms: []string{"orders", "user:u1"}, Except: []string{"client:" + sid},
				Type: "order:new", Timestamp: someAt, TTL: time.Minute, Retain: true,
				Data: json.RawMessage(`{"n":1.0, "s":"é<"}`), Metadata: json.RawMessage(`{"a":1}`),
			},
			[]string{
				"uid", "7263aabbccddeeff", "nsp", "/", "type", "3",
				"data", `{"packet":{"type":2,"data":["order:new",{"type":"order:new",` +
					`"data":{"n":1.0, "s":"é<"},"timestamp":"2026-11-28T10:37:50.696Z","metadata":{"a":1}}]},` +
					`"opts":{"rooms":["orders","user:u1"],"except":["` + sid + `"],"flags":{}}}`,
				"rc", `{"v":1,"k":"n","n":"x7","ts":1795862270696,"ttl":60000,"r":true}`,
			},
		},
		{
			"a bare notification for everyone",
			&notify.Message{
				Namespace: "/", Rooms: []string{"*"}, Type: "connection-update", Timestamp: someAt,
				Volatile: true, Bare: true, Data: json.RawMessage(`[3]`),
			},
			[]string{
				"uid", "7263aabbccddeeff", "nsp", "/", "type", "3",
				"data", `{"packet":{"type":2,"data":["connection-update",[3]]},` +
					`"opts":{"rooms":[],"except":[],"flags":{"volatile":true}}}`,
				"rc", `{"v":1,"k":"b","n":"x7","ts":1795862270696}`,
			},
		},
		{
			"an emit in a namespace",
			&notify.Message{
				Namespace: "/chat", Rooms: []string{"/chat#R", "/chat#client:" + sid}, Type: "hi",
				Timestamp: someAt, Args: json.RawMessage(`[1, "two"]`),
			},
			[]string{
				"uid", "7263aabbccddeeff", "nsp", "/chat", "type", "3",
				"data", `{"packet":{"type":2,"data":["hi",1, "two"]},` +
					`"opts":{"rooms":["R","` + sid + `"],"except":[],"flags":{}}}`,
				"rc", `{"v":1,"k":"a","n":"x7","ts":1795862270696}`,
			},
		},
		{
			"rooms that look like clients, and a client that does not",
			&notify.Message{
				Namespace: "/", Rooms: []string{sid, "client:short"}, Type: "hi", Timestamp: someAt,
				Args: json.RawMessage(`[]`),
			},
			[]string{
				"uid", "7263aabbccddeeff", "nsp", "/", "type", "3",
				"data", `{"packet":{"type":2,"data":["hi"]},` +
					`"opts":{"rooms":["` + sid + `","client:short"],"except":[],"flags":{}}}`,
				"rc", `{"v":1,"k":"a","n":"x7","ts":1795862270696,"to":["` + sid + `","client:short"]}`,
			},
		},
		{
			"an emit with binary",
			&notify.Message{
				Namespace: "/", Rooms: []string{"R"}, Type: "bin", Timestamp: someAt,
				Args:        json.RawMessage(`["AQID",{"deep":"/w=="}]`),
				BinaryArgs:  json.RawMessage(`[{"_placeholder":true,"num":0},{"deep":{"_placeholder":true,"num":1}}]`),
				Attachments: [][]byte{{1, 2, 3}, {0xff}},
			},
			[]string{
				"uid", "7263aabbccddeeff", "nsp", "/", "type", "3", "data",
				// What adapter 0.3.1 wrote for the same emit.
				"gqZwYWNrZXSCpHR5cGUCpGRhdGGTo2JpbsQDAQIDgaRkZWVwxAH/pG9wdHODpXJvb21zkaFSpmV4Y2VwdJClZmxhZ3OA",
				"rc", `{"v":1,"k":"a","n":"x7","ts":1795862270696}`,
			},
		},
	} {
		e, err := FromMessage(c.m, "7263aabbccddeeff", "x7")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		f, err := e.Fields()
		if err != nil || !slices.Equal(f.Pairs(), c.pairs) {
			t.Errorf("%s\n got %q, %v\nwant %q", c.name, f.Pairs(), err, c.pairs)
			continue
		}
		if again := through(t, f); !sameMessage(again, c.m) {
			t.Errorf("%s became %+v", c.name, again)
		}
	}
}

func through(t rapid.TB, f Fields) *notify.Message {
	t.Helper()
	e, err := Decode(f)
	if err != nil {
		t.Fatalf("%q: %v", f, err)
	}
	m, err := e.Message(someID, someAt)
	if err != nil {
		t.Fatalf("%q: %v", f, err)
	}
	if m.ID != someID {
		t.Fatalf("id %s", m.ID)
	}
	return m
}

// sameMessage compares what a message carries. The JSON of an emit with binary values has been
// MessagePack, so its bytes may differ.
func sameMessage(got, want *notify.Message) bool {
	sameArgs := bytes.Equal(got.Args, want.Args) && bytes.Equal(got.BinaryArgs, want.BinaryArgs)
	if len(want.Attachments) > 0 {
		sameArgs = equalJSON(got.Args, want.Args) && equalJSON(got.BinaryArgs, want.BinaryArgs)
	}
	return sameArgs && (got.Args == nil) == (want.Args == nil) &&
		got.Volatile == want.Volatile && got.Retain == want.Retain && got.Bare == want.Bare &&
		got.Namespace == want.Namespace && got.Type == want.Type && got.TTL == want.TTL &&
		slices.Equal(got.Rooms, want.Rooms) && slices.Equal(got.Except, want.Except) &&
		got.Timestamp.Equal(want.Timestamp) && got.Timestamp.Location() == time.UTC &&
		bytes.Equal(got.Data, want.Data) && bytes.Equal(got.Metadata, want.Metadata) &&
		slices.EqualFunc(got.Attachments, want.Attachments, bytes.Equal)
}

func equalJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// jsonText draws JSON as a backend may write it, on one line.
func jsonText(t *rapid.T, label string, depth int) json.RawMessage {
	leaf := rapid.SampledFrom([]string{`null`, `true`, `1.0`, `-0.5e-7`, `"é\u0041 \ud83d\ude00"`, `""`,
		`"\"_placeholder\":"`, `[ ]`, `{ }`, `18446744073709551615`, `"$binary"`, `12`})
	if depth == 0 {
		return json.RawMessage(leaf.Draw(t, label))
	}
	switch rapid.IntRange(0, 3).Draw(t, label) {
	case 0:
		return json.RawMessage(`{"k":` + string(jsonText(t, label, depth-1)) + `, "l" :` +
			string(jsonText(t, label, depth-1)) + `}`)
	case 1:
		return json.RawMessage(`[` + string(jsonText(t, label, depth-1)) + `]`)
	}
	return json.RawMessage(leaf.Draw(t, label))
}

// anyMessage draws a message of each kind that a Hub may store.
func anyMessage(t *rapid.T) *notify.Message {
	namespace := rapid.SampledFrom([]string{"/", "/chat", "/é/x"}).Draw(t, "namespace")
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"orders", "user:u1", "/a#b", "client:c", "é", "a", "b", "c", "d", "e",
			"client:Dq4zJd3bG0wq1Z6pAAAAAAAB", "Dq4zJd3bG0wq1Z6pAAAAAAAB", "client:3kMjNsicrIQCpqBfAAAA"}),
		rapid.StringMatching(`[ -~é]{1,30}`).Filter(func(s string) bool { return s != rooms.All }))
	qualified := rapid.Map(name, func(s string) string { return rooms.In(namespace, s) })
	m := &notify.Message{
		Namespace: namespace,
		Rooms:     rapid.SliceOfNDistinct(qualified, 1, 12, rapid.ID).Draw(t, "rooms"),
		Except:    rapid.SliceOfNDistinct(qualified, 0, 12, rapid.ID).Draw(t, "except"),
		Type:      rapid.StringMatching(`[a-z:é"\\]{1,20}`).Draw(t, "type"),
		Timestamp: time.UnixMilli(rapid.Int64Range(0, maxTime).Draw(t, "timestamp")).UTC(),
		Volatile:  rapid.Bool().Draw(t, "volatile"),
		TTL:       time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "ttl")) * time.Millisecond,
		Retain:    rapid.Bool().Draw(t, "retain"),
	}
	if rapid.Bool().Draw(t, "all") {
		m.Rooms = []string{rooms.In(namespace, rooms.All)}
	}
	if rapid.Bool().Draw(t, "with metadata") {
		m.Metadata = json.RawMessage(`{"m":` + string(jsonText(t, "metadata", 2)) + `}`)
	}
	switch kind := rapid.SampledFrom([]string{"notification", "bare", "emit"}).Draw(t, "kind"); kind {
	case "emit":
		drawArgs(t, m)
	default:
		m.Bare = kind == "bare"
		m.Data = notNull(jsonText(t, "data", 3))
	}
	return m
}

func drawArgs(t *rapid.T, m *notify.Message) {
	binary := rapid.OneOf(rapid.Just(`{"$binary":""}`), rapid.Just(`{ "$binary" : "AP8=" }`))
	var args []string
	for range rapid.IntRange(0, 20).Draw(t, "args") {
		if len(args) < notify.MaxBinary && rapid.IntRange(0, 3).Draw(t, "with binary") == 0 {
			args = append(args, `[`+binary.Draw(t, "binary")+`]`)
			continue
		}
		args = append(args, string(jsonText(t, "arg", 2)))
	}
	split, err := notify.SplitBinary(json.RawMessage(`[` + strings.Join(args, " ,") + `]`))
	if err != nil {
		t.Fatal(err)
	}
	if m.Args = split.Inline; len(split.Attachments) > 0 {
		m.BinaryArgs, m.Attachments = split.Placeholders, split.Attachments
	}
}

// What a Roomcast node writes, another one reads as the same message, from the stream and from a
// published map. Node gets something that it can process.
func TestMessageRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		e, err := FromMessage(m, NewUID(), "nonce")
		if err != nil {
			t.Fatal(err)
		}
		f, err := e.Fields()
		if err != nil {
			t.Fatal(err)
		}
		if why := stopsNode(f); why != "" {
			t.Fatalf("%q stops Node: %s", f, why)
		}
		if again := through(t, f); !sameMessage(again, m) {
			t.Fatalf("got %+v, want %+v", again, m)
		}
		if len(f.Data) > 0 && f.Data[0] == '{' && m.Data != nil && !strings.Contains(f.Data, string(m.Data)) {
			t.Fatalf("%s is not in %s", m.Data, f.Data)
		}
		packed, err := e.AppendMap(nil)
		if err != nil {
			t.Fatal(err)
		}
		published, err := DecodeMap(packed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := published.Message(someID, someAt)
		if err != nil || published.mark.nonce != "nonce" || !OwnUID(published.UID) {
			t.Fatalf("%+v, %v", published, err)
		}
		if m.Data, again.Data = normal(m.Data), normal(again.Data); !equalMessageJSON(again, m) {
			t.Fatalf("got %+v, want %+v", again, m)
		}
	})
}

// equalMessageJSON compares messages after MessagePack, which keeps values of JSON, not their
// bytes.
func equalMessageJSON(got, want *notify.Message) bool {
	for _, m := range []*notify.Message{got, want} {
		m.Args, m.BinaryArgs, m.Metadata = normal(m.Args), normal(m.BinaryArgs), normal(m.Metadata)
	}
	return sameMessage(got, want)
}

func normal(text json.RawMessage) json.RawMessage {
	var v any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if numbers.Decode(&v) != nil {
		return nil
	}
	out, _ := json.Marshal(asFloats(v))
	return out
}

// asFloats replaces numbers by floats: -0 is 0, as in integers, and infinity is null, as in JSON.
func asFloats(v any) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f + 0
		}
		return nil
	case []any:
		for i := range v {
			v[i] = asFloats(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = asFloats(v[key])
		}
	}
	return v
}

// What Node cannot express, or could not process, is an error for the publisher.
func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	valid := func() *notify.Message {
		return &notify.Message{Namespace: "/", Rooms: []string{"R"}, Type: "t", Timestamp: someAt}
	}
	for want, change := range map[string]func(m *notify.Message){
		`rooms: is empty, expected at least one room`: func(m *notify.Message) { m.Rooms = nil },
		`rooms: "/chat#R" is not in the namespace "/"`: func(m *notify.Message) {
			m.Rooms = []string{"/chat#R"}
		},
		`except: has everyone, expected rooms or clients`: func(m *notify.Message) {
			m.Except = []string{"*"}
		},
		`rooms: "\xff" is empty or not valid UTF-8`:    func(m *notify.Message) { m.Rooms = []string{"\xff"} },
		`rooms: "x#R" is not in the namespace "x"`:     func(m *notify.Message) { m.Namespace, m.Rooms = "x", []string{"x#R"} },
		`event: is 0 bytes long, expected 1 to 200`:    func(m *notify.Message) { m.Type = "" },
		`event: "disconnect" is reserved by Socket.IO`: func(m *notify.Message) { m.Type = "disconnect" },
		`args: is not an array`:                        func(m *notify.Message) { m.Args = json.RawMessage(`{}`) },
		`packet: not valid JSON at byte 14: got 'x', expected a key in quotes`: func(m *notify.Message) {
			m.Bare, m.Type, m.Data = true, "t", json.RawMessage(`[123456,{xxx`)
		},
		`packet: not valid JSON at byte 7: got '}', expected the end`: func(m *notify.Message) {
			m.Bare, m.Data = true, json.RawMessage(`1]},"opts":null,"packet":{"data":[1`)
		},
		`packet: has not the 1 binary values in their order, or more than 10`: func(m *notify.Message) {
			m.Args, m.BinaryArgs = json.RawMessage(`[1]`), json.RawMessage(`[{"_placeholder":true,"num":1}]`)
			m.Attachments = [][]byte{{1}}
		},
		`message: has a time, TTL, room or nonce that has no form in the stream`: func(m *notify.Message) {
			m.TTL = 1<<63 - 1
		},
		`metadata: is not an object`: func(m *notify.Message) {
			m.Bare, m.Metadata = true, json.RawMessage(`1,"k":"n"`)
		},
	} {
		m := valid()
		change(m)
		e, err := FromMessage(m, NewUID(), "")
		if err == nil {
			_, err = e.Fields()
		}
		var refused *notify.ValidationError
		if !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// An entry of Node becomes an emit. Its rooms are those of the Hub, each once.
func TestMessageOfNode(t *testing.T) {
	t.Parallel()
	const sid = "3kMjNsicrIQCpqBfAAAA"
	f := Fields{
		UID: "e46acfb631d8d531", Namespace: "/chat", Type: "3",
		Data: `{"packet":{"type":2,"data":["t",1,"two"]},"opts":{"rooms":["R","` + sid + `","R","*","user:u",""],` +
			`"except":["` + sid + `"],"flags":{"volatile":true}}}`,
	}
	want := &notify.Message{
		Namespace: "/chat", Type: "t", Volatile: true, Args: json.RawMessage(`[1,"two"]`), Timestamp: someAt,
		Rooms:  []string{"/chat#R", "/chat#" + sid, "/chat#client:" + sid, "/chat#user:u"},
		Except: []string{"/chat#" + sid, "/chat#client:" + sid},
	}
	if got := through(t, f); !sameMessage(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// A field rc that is damaged, or from a later version, changes nothing.
	for _, rc := range []string{`x`, `{}`, `{"v":2,"k":"a","ttl":5}`, `{"v":1,"k":"n","ttl":5}`, `{"v":1,"k":"z"}`,
		`{"v":1,"k":"a","ttl":-1}`, `{"v":1,"k":"a","ttl":"5"}`, `{"v":1,"k":"a","ts":1e99}`,
		`{"v":1,"k":"a","to":["/other#R"]}`, `{"v":1,"k":"b","ttl":5,"m":7}`} {
		f.RC = rc
		if got := through(t, f); !sameMessage(got, want) {
			t.Errorf("%s: got %+v, want %+v", rc, got, want)
		}
	}
}

// A message does not keep the memory of the payload that it came in.
func TestMessageOwnsItsMemory(t *testing.T) {
	t.Parallel()
	m := &notify.Message{Namespace: "/", Rooms: []string{strings.Repeat("r", 100)}, Type: "t", Data: []byte(`1`)}
	e, err := FromMessage(m, NewUID(), "")
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Fields()
	if err != nil {
		t.Fatal(err)
	}
	if again := through(t, f); cap(again.Data) > 8 {
		t.Errorf("%d bytes for 1", cap(again.Data))
	}
}

// FieldsOf returns the same as FromMessage and Fields, and nothing of what it has made before.
func TestFieldsOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for range 3 {
			m := anyMessage(t)
			uid := NewUID()
			got, err := FieldsOf(m, uid, "nonce")
			var want Fields
			e, wantErr := FromMessage(m, uid, "nonce")
			if wantErr == nil {
				want, wantErr = e.Fields()
			}
			if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("%+v, %v, want %+v, %v", got, err, want, wantErr)
			}
		}
	})
}
