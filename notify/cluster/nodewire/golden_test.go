package nodewire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// recorded is one line of a file in testdata; README.md there says what it means.
type recorded struct {
	Call, ID            string
	Fields              []string
	Channel, Text, Hex  string
	Key, Value, Decoded string
	Node                string
}

func (r recorded) payload(t testing.TB) []byte {
	t.Helper()
	if r.Hex == "" {
		return []byte(r.Text)
	}
	raw, err := hex.DecodeString(r.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (r recorded) fields() (f Fields) {
	for pair := range slices.Chunk(r.Fields, 2) {
		f.Set(pair[0], pair[1])
	}
	return f
}

func recordings(t testing.TB, name string) (lines []recorded) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var r recorded
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, r)
	}
	return lines
}

// Entries and published maps of the streams adapters are read and written byte for byte.
func TestStreamsAdapter(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"streams-0.3.1", "streams-0.2.3"} {
		seen := map[Type]bool{}
		for _, r := range recordings(t, name) {
			switch {
			case r.Fields != nil:
				e, err := Decode(r.fields())
				if err != nil {
					t.Errorf("%s: %s: %v", name, r.Call, err)
					continue
				}
				seen[e.Type] = true
				got, err := e.Fields()
				if err != nil || !slices.Equal(got.Pairs(), r.Fields) {
					t.Errorf("%s: %s\n got %q, %v\nwant %q", name, r.Call, got.Pairs(), err, r.Fields)
				}
				id, err := StreamID(r.ID)
				if err != nil || string(AppendStreamID(nil, id)) != r.ID {
					t.Errorf("%s: id %s: %s, %v", name, r.ID, id, err)
				}
			case r.Channel != "":
				e, err := DecodeMap(r.payload(t))
				if err != nil {
					t.Errorf("%s: %s: %v", name, r.Call, err)
					continue
				}
				seen[e.Type] = true
				got, err := e.AppendMap(nil)
				if err != nil || hex.EncodeToString(got) != r.Hex {
					t.Errorf("%s: %s\n got %x, %v\nwant %s", name, r.Call, got, err, r.Hex)
				}
				c, ok := ParseChannel("socket.io", r.Channel)
				if !ok || c.String() != r.Channel || c.Namespace != e.Namespace {
					t.Errorf("%s: channel %s: %+v", name, r.Channel, c)
				}
			}
		}
		for want := TypeBroadcast; want <= TypeAck; want++ {
			if !seen[want] && (want != TypeDisconnect || name == "streams-0.3.1") {
				t.Errorf("%s has no type %d", name, want)
			}
		}
	}
}

// Messages of the pub/sub adapter are read and written byte for byte, those of the emitter except
// for the order of the members in opts.
func TestPubsubAdapter(t *testing.T) {
	t.Parallel()
	seen := map[Type]bool{}
	for _, r := range recordings(t, "pubsub-8.3.0") {
		c, ok := ParseChannel("socket.io", r.Channel)
		if !ok || c.String() != r.Channel {
			t.Errorf("channel %s: %+v", r.Channel, c)
		}
		payload := r.payload(t)
		decode, encode := DecodeRequest, (*Entry).AppendRequest
		switch c.Medium {
		case Responses:
			decode, encode = DecodeResponse, (*Entry).AppendResponse
		case Broadcasts:
			decode, encode = DecodeArray, (*Entry).AppendArray
			if !IsArray(payload) {
				t.Errorf("%s: not an array", r.Call)
			}
		}
		e, err := decode(c.Namespace, payload)
		if err != nil {
			t.Errorf("%s: %v", r.Call, err)
			continue
		}
		seen[e.Type] = true
		got, err := encode(e, []byte("before"))
		if err != nil {
			t.Errorf("%s: %v", r.Call, err)
			continue
		}
		got = got[len("before"):]
		if e.UID == "emitter" && c.Medium == Broadcasts {
			if !sameMsgpack(t, got, payload) {
				t.Errorf("%s\n got %x\nwant %x", r.Call, got, payload)
			}
		} else if !bytes.Equal(got, payload) {
			t.Errorf("%s\n got %q\nwant %q", r.Call, got, payload)
		}
		if c.Medium == Broadcasts && len(e.Opts.Rooms) == 1 && c.To != e.Opts.Rooms[0] {
			t.Errorf("%s: channel %s", r.Call, r.Channel)
		}
	}
	for want := TypeBroadcast; want <= TypeAck; want++ {
		if !seen[want] {
			t.Errorf("no type %d", want)
		}
	}
}

// The sharded adapter writes the members of a published map as JSON.
func TestShardedAdapter(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "sharded-8.3.0") {
		c, _ := ParseChannel("socket.io", r.Channel)
		if c.Medium != Broadcasts || IsArray(r.payload(t)) {
			continue // the emitter, as in TestPubsubAdapter
		}
		e, err := DecodeMap(r.payload(t))
		if err != nil {
			t.Errorf("%s: %v", r.Call, err)
			continue
		}
		got, err := e.AppendMap(nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Hex != "" {
			if hex.EncodeToString(got) != r.Hex {
				t.Errorf("%s\n got %x\nwant %s", r.Call, got, r.Hex)
			}
			continue
		}
		v, err := fromMsgpack("", got)
		if err != nil || string(v.JSON) != r.Text {
			t.Errorf("%s\n got %s, %v\nwant %s", r.Call, v.JSON, err, r.Text)
		}
	}
}

func sameMsgpack(t testing.TB, a, b []byte) bool {
	t.Helper()
	var values [2]any
	var parts [2][][]byte
	for i, raw := range [][]byte{a, b} {
		v, err := fromMsgpack("", raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.JSON, &values[i]); err != nil {
			t.Fatal(err)
		}
		parts[i] = v.Attachments
	}
	return reflect.DeepEqual(values[0], values[1]) && reflect.DeepEqual(parts[0], parts[1])
}

func TestSessionsOfNode(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range []string{"streams-0.3.1", "streams-0.2.3"} {
		for _, r := range recordings(t, name) {
			if r.Key == "" {
				continue
			}
			found++
			s, err := DecodeSession(r.Value)
			if err != nil || "sio:session:"+s.PID != r.Key || s.Own != nil {
				t.Fatalf("%s: %+v, %v", r.Value, s, err)
			}
			got, err := json.Marshal(map[string]any{"sid": s.SID, "pid": s.PID, "rooms": s.Rooms,
				"data": s.Data.JSON})
			if err != nil || !sameJSON(t, got, []byte(r.Decoded)) {
				t.Errorf("got %s, %v, want %s", got, err, r.Decoded)
			}
			if again, err := s.Encode(); err != nil || again != r.Value {
				t.Errorf("got %s, %v, want %s", again, err, r.Value)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d sessions", found)
	}
}

func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		t.Fatalf("%s, %s: not JSON", a, b)
	}
	return reflect.DeepEqual(x, y)
}

// The clients in an answer, and the same answer made from them.
func TestSockets(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t, "streams-0.2.3") {
		e, err := Decode(r.fields())
		if err != nil || e.Type != TypeSockets {
			continue
		}
		list, err := e.Sockets()
		if err != nil || len(list) != 1 || list[0].ID != "rmlLRS1p3hPUA9lMAAAC" ||
			!slices.Equal(list[0].Rooms, []string{list[0].ID, "R"}) ||
			string(list[0].Data) != `{"name":"n45111"}` ||
			!strings.HasPrefix(string(list[0].Handshake), `{"headers":{`) {
			t.Fatalf("%+v, %v", list, err)
		}
		answer := Entry{UID: e.UID, Namespace: "/", RequestID: e.RequestID}
		if err := answer.SetSockets(list); err != nil {
			t.Fatal(err)
		}
		if got, err := answer.Fields(); err != nil || !slices.Equal(got.Pairs(), r.Fields) {
			t.Errorf("got %q, %v", got, err)
		}
		return
	}
	t.Error("no answer recorded")
}
