package nodewire

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// What Node relies on and an entry does not have is an error in each medium.
func TestRefusedEntries(t *testing.T) {
	t.Parallel()
	event := Value{JSON: json.RawMessage(`["x"]`)}
	for want, e := range map[string]Entry{
		`namespace: is empty, expected / and a name`: {Type: TypeHeartbeat},
		`namespace: "chat" does not start with '/'`:  {Type: TypeHeartbeat, Namespace: "chat"},
		`uid: "\xff" is longer than 64 bytes or not valid UTF-8`: {
			Type: TypeHeartbeat, Namespace: "/", UID: "\xff",
		},
		`type: is 14, expected 1 to 13`:    {Type: 14, Namespace: "/"},
		`requestId: is missing`:            {Type: TypeFetchSockets, Namespace: "/"},
		`rooms: "\xff" is not valid UTF-8`: {Type: TypeJoin, Namespace: "/", Rooms: []string{"\xff"}},
		`rooms: "\xfe" is not valid UTF-8`: {Type: TypeLeave, Namespace: "/", Opts: Opts{Except: []string{"\xfe"}}},
		`count: is -1, expected 0 or more`: {Type: TypeClientCount, Namespace: "/", RequestID: "r", Count: -1},
		`event: "error" is reserved by Socket.IO`: {
			Type: TypeServerEmit, Namespace: "/", Packet: Value{JSON: json.RawMessage(`["error"]`)},
		},
		`event: is the number 1, expected a string`: {
			Type: TypeServerEmit, Namespace: "/", Packet: Value{JSON: json.RawMessage(`[1]`)},
		},
		`packet: is empty, expected an event`: {
			Type: TypeServerEmit, Namespace: "/", Packet: Value{JSON: json.RawMessage(`[]`)},
		},
		`packet: is an object, expected an array`: {
			Type: TypeSockets, Namespace: "/", RequestID: "r", Packet: Value{JSON: json.RawMessage(`{}`)},
		},
		`packet: not valid JSON at byte 0: got the end, expected a value`: {
			Type: TypeAck, Namespace: "/", RequestID: "r",
		},
		`packet: has not the 1 binary values in their order, or more than 10`: {
			Type: TypeBroadcast, Namespace: "/", Packet: Value{event.JSON, [][]byte{{1}}},
		},
	} {
		var refused *notify.ValidationError
		for _, encode := range []func(*Entry) error{
			func(e *Entry) error { _, err := e.Fields(); return err },
			func(e *Entry) error { _, err := e.AppendMap(nil); return err },
			func(e *Entry) error { _, err := e.AppendArray(nil); return err },
			func(e *Entry) error { _, err := e.AppendRequest(nil); return err },
			func(e *Entry) error { _, err := e.AppendResponse(nil); return err },
		} {
			if err := encode(&e); !errors.As(err, &refused) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	}
	e := Entry{Type: TypeBroadcast, Namespace: "/", Packet: event}
	if _, err := e.Fields(); err == nil || err.Error() != "uid: is missing" {
		t.Errorf("no uid: %v", err)
	}
	if _, err := e.AppendRequest(nil); err == nil {
		t.Error("a broadcast without acknowledgements is no request")
	}
	e.RequestID = "r"
	if _, err := e.AppendArray(nil); err == nil {
		t.Error("a broadcast with acknowledgements is an array")
	}
	if _, err := e.AppendResponse(nil); err == nil {
		t.Error("a broadcast is a response")
	}
	e.Packet = Value{json.RawMessage(`["x",{"_placeholder":true,"num":0}]`), [][]byte{{1}}}
	e.Type, e.Packet.Attachments = TypeServerEmit, [][]byte{{0, 255}}
	raw, err := e.AppendRequest(nil)
	if want := `{"requestId":"r","type":6,"data":["x",{"type":"Buffer","data":[0,255]}]}`; string(raw) != want {
		t.Errorf("JSON with binary values: %s, %v, want %s", raw, err, want)
	}
	e.Packet = Value{JSON: json.RawMessage(`["` + strings.Repeat("x", MaxPayload-5) + `"]`)}
	if e.UID = "u"; !refuses([]byte(nil), func() error { _, err := e.Fields(); return err }()) {
		t.Error("more than MaxPayload")
	}
}

func refuses(_ []byte, err error) bool {
	var refused *notify.ValidationError
	return errors.As(err, &refused)
}

func TestOpts(t *testing.T) {
	t.Parallel()
	const sid = "3kMjNsicrIQCpqBfAAAA"
	for _, c := range []struct {
		opts Opts
		want notify.Recipients
		same bool // OptsOf gives the opts back
	}{
		{Opts{}, notify.Recipients{Rooms: []string{"/n#*"}}, true},
		{Opts{Rooms: []string{"R", "user:u"}}, notify.Recipients{Rooms: []string{"/n#R", "/n#user:u"}}, true},
		{Opts{Rooms: []string{"*"}}, notify.Recipients{Rooms: []string{}}, false},
		{
			Opts{Rooms: []string{sid}, Except: []string{"*", "R"}},
			notify.Recipients{Rooms: []string{"/n#" + sid, "/n#client:" + sid}, Except: []string{"/n#R"}}, false,
		},
	} {
		to := c.opts.Recipients("/n")
		if !reflect.DeepEqual(to, c.want) {
			t.Errorf("%+v: got %+v, want %+v", c.opts, to, c.want)
		}
		if !c.same {
			continue
		}
		if back, err := OptsOf("/n", to); err != nil || !reflect.DeepEqual(back, c.opts) {
			t.Errorf("%+v: got back %+v, %v", c.opts, back, err)
		}
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = string(rune('a' + i%26))
	}
	if got := (Opts{Rooms: many}).Recipients("/"); len(got.Rooms) != 26 || got.Rooms[25] != "z" {
		t.Errorf("got %q", got.Rooms)
	}
}

// The id of a client on Node keeps its form for Node, also one that has no upper-case letter.
func TestClientOfNode(t *testing.T) {
	t.Parallel()
	for name, isID := range map[string]bool{
		strings.Repeat("x", 19): false, strings.Repeat("x", 20): true, strings.Repeat("X", 20): true,
		strings.Repeat("x", 24): false, strings.Repeat("X", 24): true, strings.Repeat("X", 25): false,
		"aZ0_-aZ0_-aZ0_-aZ0_-": true, "aZ0_-aZ0_-aZ0_-aZ0_:": false, "aZ0_-aZ0_-aZ0_-aZ0é": false,
	} {
		want := "client:" + name
		if isID {
			want = name
		}
		got, err := OptsOf("/", notify.Recipients{Rooms: []string{"client:" + name}})
		if err != nil || !slices.Equal(got.Rooms, []string{want}) {
			t.Errorf("%s: %q, %v", name, got.Rooms, err)
		}
	}
}

func TestStreamID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"0-0": 0, "0-1": 1, "1795862270696-0": 1795862270696 << 22, "1795862270696-7": 1795862270696<<22 | 7,
		"4398046511103-4194303": 1<<64 - 1,
	} {
		id, err := StreamID(text)
		if err != nil || id.Seq != want || id.Epoch != notify.StreamEpoch || string(AppendStreamID(nil, id)) != text {
			t.Errorf("%s: %+v, %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "-", "1", "1-", "-1", "1-2-3", "01-2", "1-02", "1-+2", "+1-2", " 1-2", "1-2 ", "1_0-2", "-1-2",
		"4398046511104-0", "1-4194304", "18446744073709551616-0", "x-0", "0-x",
	} {
		if id, err := StreamID(text); err == nil {
			t.Errorf("%q is %+v", text, id)
		}
	}
	long := strings.Repeat("1", 1<<20)
	if _, err := StreamID(long); err == nil || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Channel{
		"socket.io#/#":             {"socket.io", Broadcasts, "/", ""},
		"socket.io#/#R#":           {"socket.io", Broadcasts, "/", "R"},
		"socket.io#/chat#a#b#":     {"socket.io", Broadcasts, "/chat", "a#b"},
		"socket.io-request#/#":     {"socket.io", Requests, "/", ""},
		"socket.io-response#/#u1#": {"socket.io", Responses, "/", "u1"},
	} {
		if got, ok := ParseChannel("socket.io", name); !ok || got != want || got.String() != name {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	for _, name := range []string{
		"", "socket.io", "socket.io#", "socket.io#/", "socket.io#chat#", "socket.io##", "socket.io#/#R",
		"socket.io#/##", "socket.io-other#/#", "other#/#", "socket.io#/\xff#", "socket.io-request/#",
	} {
		if got, ok := ParseChannel("socket.io", name); ok {
			t.Errorf("%q is %+v", name, got)
		}
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	from, to := notify.ID{Epoch: notify.StreamEpoch, Seq: 5<<22 | 1}, notify.ID{Epoch: notify.StreamEpoch, Seq: 9 << 22}
	for rc, signal := range map[string]Signal{
		`{"v":1,"k":"up","u":"7263aabbccddeeff"}`:                           {Kind: SignalUp},
		`{"v":1,"k":"bump","u":"7263aabbccddeeff"}`:                         {Kind: SignalBump},
		`{"v":1,"k":"fork","u":"7263aabbccddeeff","from":"5-1","to":"9-0"}`: {Kind: SignalFork, From: from, To: to},
		`{"v":1,"k":"delete","u":"7263aabbccddeeff","room":"a\"b","type":"t","id":"5-1"}`: {
			Kind: SignalDelete, Deleted: notify.RetainedID{Room: `a"b`, Type: "t", ID: from}},
	} {
		e := &Entry{UID: "7263aabbccddeeff", Signal: signal}
		f, err := e.Fields()
		if err != nil || !slices.Equal(f.Pairs(), []string{"rc", rc}) {
			t.Errorf("got %q, %v, want %s", f.Pairs(), err, rc)
		}
		again, err := Decode(f)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("got %+v, %v, want %+v", again, err, e)
		}
		if _, err := again.Message(from, time.Time{}); !errors.Is(err, ErrIgnored) {
			t.Errorf("a message: %v", err)
		}
	}
	for rc, want := range map[string]string{
		`[]`:                            `rc: is an array, expected an object`,
		`{"v":1,"k":"fork","from":"x"}`: `rc.from: is the string "x", expected the id of an entry`,
		`{"v":1,"k":"delete"}`:          `rc.id: is missing, expected the id of an entry`,
		`{"v":1,"k":"delete","room":1}`: `rc.room: is the number 1, expected a string`,
		`{"v":1,"k":7}`:                 `rc.k: is the number 7, expected a string`,
		`{"v":1,"k":"later"}`:           ErrIgnored.Error(),
		`{"v":2,"k":"fork","from":7}`:   ErrIgnored.Error(),
		`{}`:                            ErrIgnored.Error(),
	} {
		if e, err := Decode(Fields{RC: rc}); err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v, want %s", rc, e, err, want)
		}
	}
	for _, bad := range []Signal{{Kind: "x"}, {Kind: SignalDelete},
		{Kind: SignalDelete, Deleted: notify.RetainedID{Room: "\xff", ID: from}}, {Kind: SignalFork, From: notify.ID{Epoch: 1, Seq: 1}}} {
		if _, err := (&Entry{Signal: bad}).Fields(); err == nil {
			t.Errorf("wrote %+v", bad)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := Session{
		SID: "Dq4zJd3bG0wq1Z6pAAAAAAAB", PID: "p", Rooms: []string{"Dq4zJd3bG0wq1Z6pAAAAAAAB", "user:u", "orders"},
		Data: Value{json.RawMessage(`{"b":{"_placeholder":true,"num":0}}`), [][]byte{{1, 0xff}}},
		Own: &Own{UserID: "u", Namespace: "/", Granted: []string{"vip"},
			Cursor: notify.ID{Epoch: notify.StreamEpoch, Seq: 7 << 22}, At: someAt,
			Node: "7263a1b2c3d4e5f6", Term: 2, Void: "V", Foreign: true},
	}
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeSession(text)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("got %+v, %v, want %+v", again, err, s)
	}
	for _, bad := range []Session{
		{PID: "p"}, {SID: "s"}, {SID: "s", PID: "\xff"}, {SID: "s", PID: "p", Data: Value{JSON: json.RawMessage(`{`)}},
		{SID: "s", PID: "p", Own: &Own{Cursor: notify.ID{Epoch: 1, Seq: 1}}},
		{SID: "s", PID: "p", Own: &Own{At: someAt, Void: "\xff"}},
		{SID: "s", PID: "p", Own: &Own{At: someAt, Term: maxTerm + 1}},
		{SID: "s", PID: "p", Own: &Own{At: someAt, Node: "\xff"}},
		{SID: "s", PID: "p", Own: &Own{At: time.UnixMilli(maxTime + 1)}},
	} {
		if text, err := bad.Encode(); !refuses(nil, err) {
			t.Errorf("%+v: %s, %v", bad, text, err)
		}
	}
	for text, want := range map[string]string{
		"!":    `session: is not base64`,
		"":     `session: msgpack: the value is longer than the message`,
		"kA==": `session: is an array, expected an object`,
		"gA==": `session: has no sid or no pid`,
	} {
		var fault *SkipError
		if _, err := DecodeSession(text); !errors.As(err, &fault) || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
