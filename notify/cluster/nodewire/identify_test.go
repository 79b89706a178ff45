package nodewire

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A notification gets its id where Roomcast's clients have it. Everything else stays as it is.
func TestIdentify(t *testing.T) {
	t.Parallel()
	notification := Fields{UID: "7263aabbccddeeff", Namespace: "/", Type: "3",
		Data: `{"packet":{"type":2,"data":["t" , {"type":"t","data":null}]},"opts":{"rooms":["r"]}}`,
		RC:   `{"v":1,"k":"n","ts":1795862270696}`}
	emit, forged, other := notification, notification, notification
	emit.RC = ""
	forged.Data = strings.Replace(forged.Data, `{"type":"t"`, `{"type":"x"`, 1)
	other.Type, other.Data = "4", `{"opts":{"rooms":["r"]},"rooms":["x"]}`
	for name, tt := range map[string]struct {
		f    Fields
		want string
	}{
		"a notification":  {notification, `["t" , {"id":"` + someID.String() + `","type":"t","data":null}]`},
		"an emit of Node": {emit, `["t" , {"type":"t","data":null}]`},
		"another object":  {forged, `["t" , {"type":"x","data":null}]`},
		"no event":        {other, ""},
	} {
		e, err := Decode(tt.f)
		if err != nil {
			t.Fatal(err)
		}
		if e.Identify(someID); string(e.Packet.JSON) != tt.want {
			t.Errorf("%s: got %s, want %s", name, e.Packet.JSON, tt.want)
		}
	}
}

// Servers with the pub/sub adapter get the same object for a notification as Roomcast's clients.
func TestIdentifiedMessages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		m.Args, m.BinaryArgs, m.Attachments, m.Bare, m.Volatile = nil, nil, nil, false, false
		written, err := FromMessage(m, "7263aabbccddeeff", "")
		if err != nil {
			t.Skip(err)
		}
		fields, err := written.Fields()
		if err != nil {
			t.Skip(err)
		}
		e, err := Decode(fields)
		if err != nil {
			t.Fatal(err)
		}
		e.Identify(someID)
		m.ID = someID
		var got []json.RawMessage
		if err := json.Unmarshal(e.Packet.JSON, &got); err != nil || len(got) != 2 {
			t.Fatalf("%s: %v", e.Packet.JSON, err)
		}
		if want := m.AppendJSON(nil); string(got[1]) != string(want) {
			t.Fatalf("got %s, want %s", got[1], want)
		}
		if _, err := e.AppendArray(nil); err != nil {
			t.Fatal(err)
		}
	})
}

// The way by which an entry came is in both media that the cluster reads, and Node ignores it.
func TestVia(t *testing.T) {
	t.Parallel()
	e := &Entry{Type: TypeBroadcast, UID: "emitter", Namespace: "/", Via: "socket.io",
		Packet: Value{JSON: json.RawMessage(`["e"]`)}}
	fields, err := e.Fields()
	if pairs := fields.Pairs(); err != nil || strings.Join(pairs[len(pairs)-2:], "=") != "via=socket.io" {
		t.Fatal(pairs, err)
	}
	raw, err := e.AppendMap(nil)
	if err != nil {
		t.Fatal(err)
	}
	fromStream, err1 := Decode(fields)
	fromChannel, err2 := DecodeMap(raw)
	if err1 != nil || err2 != nil || fromStream.Via != "socket.io" || fromChannel.Via != "socket.io" {
		t.Errorf("%+v %v, %+v %v", fromStream, err1, fromChannel, err2)
	}
}
