package socketio

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/servertest"
)

// standardLimits are those of DefaultOptions.
var standardLimits = packetLimits{attachments: 10, values: 4096}

func TestDecodePacket(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want string // kind namespace id name args, or "error"
	}{
		{`0`, `0 / - "" []`},
		{`0{}`, `0 / - "" []`},
		{`0/admin,{"token":"x"}`, `0 /admin - "" []`},
		{`1`, `1 / - "" []`},
		{`1/admin,`, `1 /admin - "" []`},
		{`2["hello"]`, `2 / - "hello" []`},
		{`2["hello",1,{"a":[true]}]`, `2 / - "hello" [1,{"a":[true]}]`},
		{`212["hello"]`, `2 / 12 "hello" []`},
		{`2/admin,456["x",null]`, `2 /admin 456 "x" [null]`},
		{`2[3,4]`, `2 / - "3" [4]`},
		{`312[]`, `3 / 12 "" []`},
		{`3/admin,7["ok"]`, `3 /admin 7 "" ["ok"]`},
		{`51-["up",{"_placeholder":true,"num":0}]`, `5 / - "up" [{"_placeholder":true,"num":0}]`},
		{`510-["up"]`, `5 / - "up" []`},
		{`61-4[{"_placeholder":true,"num":0}]`, `6 / 4 "" [{"_placeholder":true,"num":0}]`},
		{`2["unfinished \\\" [[[ string"]`, `2 / - "unfinished \\\" [[[ string" []`},

		{``, `error`}, {`2`, `error`}, {`20`, `error`}, {`2{}`, `error`}, {`2[]`, `error`},
		{`2[null]`, `error`},
		{`2[{}]`, `error`}, {`2[true]`, `error`}, {`2["connect"]`, `error`},
		{`2["disconnecting"]`, `error`},
		{`2["newListener"]`, `error`}, {`2["a"`, `error`}, {`2["a"]x`, `error`},
		{`2["a"]["b"]`, `error`},
		{`3`, `error`}, {`3[]`, `error`}, {`31`, `error`}, {`31{}`, `error`}, {`31null`, `error`},
		{`0[]`, `error`}, {`0null`, `error`}, {`0"x"`, `error`}, {`07{}`, `error`},
		{`1{}`, `error`}, {`11`, `error`},
		{`4{"message":"x"}`, `error`}, {`7`, `error`}, {`a`, `error`}, {"\x00", `error`},
		{`50-["a"]`, `error`}, {`511-["a"]`, `error`}, {`5-["a"]`, `error`}, {`5-1-["a"]`, `error`},
		{`510000000000-["a"]`, `error`}, {`5["a"]`, `error`}, {`61-[]`, `error`},
		{`29007199254740993["a"]`, `error`}, {`299999999999999999999["a"]`, `error`},
		{`0/` + strings.Repeat("n", 128) + `,`, `error`},
		{`2["a",` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `]`, `error`},
		{"2[\"\xff\"]", `error`},
	}
	for _, tt := range tests {
		got := "error"
		if p, err := decodePacket([]byte(tt.in), standardLimits); err == nil {
			got = showPacket(p)
		}
		if got != tt.want {
			t.Errorf("decodePacket(%.60q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func showPacket(p *packet) string {
	id := "-"
	if p.hasID {
		id = string(servertest.JSON(p.id))
	}
	args := p.args
	if args == nil {
		args = []json.RawMessage{}
	}
	return strings.Join([]string{string(p.kind), p.namespace, id, string(servertest.JSON(p.name)),
		string(servertest.JSON(args))}, " ")
}

func TestEncodePacket(t *testing.T) {
	t.Parallel()
	id := uint64(7)
	tests := []struct {
		kind        byte
		namespace   string
		id          *uint64
		data        any
		want        string
		attachments []string
	}{
		{kindEvent, "/", nil, []any{"a", 1, map[string]any{"b": "<>"}}, `2["a",1,{"b":"<>"}]`, nil},
		{kindEvent, "/admin", &id, []any{"a"}, `2/admin,7["a"]`, nil},
		{kindAck, "/", &id, []any(nil), `37[]`, nil},
		{kindAck, "/", &id, nil, `37[]`, nil},
		{kindConnect, "/", nil, map[string]any{"sid": "x"}, `0{"sid":"x"}`, nil},
		{kindDisconnect, "/n", nil, nil, `1/n,`, nil},
		{kindEvent, "/", nil, []any{"a", []byte("one"), []any{[]byte("two")}},
			`52-["a",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]`,
			[]string{"one", "two"}},
		{kindAck, "/", &id, []any{map[string]any{"z": []byte("2"), "a": []byte("1")}},
			`62-7[{"a":{"_placeholder":true,"num":0},"z":{"_placeholder":true,"num":1}}]`,
			[]string{"1", "2"}},
		{kindEvent, "/", nil, []any{"a", strings.NewReader("text"),
			json.RawMessage(`{"raw":true}`)}, `2["a","text",{"raw":true}]`, nil},
	}
	for _, tt := range tests {
		text, attachments, err := encodePacket(tt.kind, tt.namespace, tt.id, tt.data)
		if err != nil || string(text) != tt.want || len(attachments) != len(tt.attachments) {
			t.Errorf("encodePacket = %s with %d attachments, %v; want %s with %d", text,
				len(attachments), err, tt.want, len(tt.attachments))
			continue
		}
		for i, a := range attachments {
			if string(a) != tt.attachments[i] {
				t.Errorf("%s: attachment %d is %q, want %q", text, i, a, tt.attachments[i])
			}
		}
	}
	if _, _, err := encodePacket(kindEvent, "/", nil, []any{"a", make(chan int)}); err == nil {
		t.Error("a channel was encoded")
	}
}

func FuzzDecodePacket(f *testing.F) {
	for _, seed := range []string{
		`0`, `0{"token":"x"}`, `1`, `2["a"]`, `2`, `20`, `450-`, `3`, `31[]`,
		`51-["a",{"_placeholder":true,"num":0}]`,
		`52-/admin,7["a",{"_placeholder":true,"num":99}]`, `510000000000-["a"]`, `2/,["a"]`,
		`2[["a"]]`, `2["\ud800"]`,
		// Attachments that do not exist, counts that are no number, ids above 2^53, names that are
		// reserved, namespaces that are long or unknown, values that are deep or large.
		`50-["a"]`, `5-1-["a"]`, `51-["a"]`, `551-["a"]`, `51-["a",{"_placeholder":true,"num":-1}]`,
		`51-["a",{"_placeholder":true,"num":1.5}]`, `61-[]`, `61-7[{"_placeholder":true,"num":0}]`,
		`29007199254740993["a"]`, `218446744073709551616["a"]`, `2-1["a"]`, `2["connect"]`,
		`2["disconnecting"]`, `2[1]`, `2[null]`, `2{"a":1}`, `2["__proto__",{"__proto__":{}}]`,
		`0/x1,`, `0/` + strings.Repeat("n", 200) + `,{}`, `0[]`, `0"x"`, `1/admin,`, `1{}`,
		`4{"message":"x"}`, `7["a"]`, `2["a",1e400]`, `2["a",` + strings.Repeat("[", 40) +
			strings.Repeat("]", 40) + `]`, `2["a","` + "\x00\u2028" + `"]`, "2[\"a\"]\x00", `2 ["a"]`,
	} {
		f.Add([]byte(seed), []byte("attachment"))
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte) {
		p, err := decodePacket(text, standardLimits)
		if err != nil {
			return
		}
		if p.isEvent() && slices.Contains(notify.ReservedEvents, p.name) {
			t.Fatalf("%q passed with the reserved name %q", text, p.name)
		}
		for range p.attachments {
			p.parts = append(p.parts, attachment)
		}
		args, err := Args{p.args, p.parts}.Values()
		if err != nil {
			return
		}
		data := any(args)
		if p.isEvent() {
			data = append([]any{p.name}, args...)
		}
		kind := p.kind
		if kind >= kindBinaryEvent {
			kind -= kindBinaryEvent - kindEvent
		}
		if p.kind == kindConnect || p.kind == kindDisconnect {
			return
		}
		again, attachments, err := encodePacket(kind, p.namespace, &p.id, data)
		if err != nil {
			t.Fatalf("%q was decoded but cannot be encoded: %v", text, err)
		}
		if len(attachments) > standardLimits.attachments || p.namespace == "/," {
			return
		}
		if _, err := decodePacket(again, standardLimits); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", text, again, err)
		}
	})
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte(`51-["a",{"_placeholder":true,"num":0}]`), []byte("b"), true)
	f.Add([]byte(`2["a"]`), []byte("b"), false)
	f.Fuzz(func(t *testing.T, first, second []byte, binary bool) {
		var a assembly
		const limit = 1 << 16
		for _, m := range []struct {
			data   []byte
			binary bool
		}{{first, false}, {second, binary}, {second, true}, {first, false}} {
			p, err := a.add(m.data, m.binary, limit, standardLimits)
			if err != nil {
				return
			}
			if p != nil && len(p.parts) != p.attachments {
				t.Fatalf("a packet with %d of %d attachments", len(p.parts), p.attachments)
			}
			if a.size > limit {
				t.Fatalf("%d bytes are held, over the limit", a.size)
			}
		}
	})
}
