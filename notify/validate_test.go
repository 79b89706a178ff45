package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify/strictjson"
)

func TestPublishErrors(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	ok := Notification{Type: "t", Data: json.RawMessage(`{}`)}
	many := slices.Repeat([]string{"x"}, 1001)
	for _, c := range []struct {
		n    Notification
		to   Target
		want string
	}{
		{Notification{}, ToAll(), `type: is empty, expected 1 to 128 bytes`},
		{Notification{Type: "connect"}, ToAll(),
			`type: "connect" is reserved, choose another name`},
		{Notification{Type: "a\nb"}, ToAll(),
			`type: "a\nb" contains U+000A, expected no control, format or line-separator ` +
				`character`},
		{ok, Target{},
			`target: is missing, expected user, users, channel, channels, client or all`},
		{ok, ToUser(""), `target.user: is empty, expected 1 to 128 bytes`},
		{ok, ToUsers(), `target.users: has 0 names, expected 1 to 1000`},
		{ok, ToUsers(many...), `target.users: has 1001 names, expected 1 to 1000`},
		{ok, ToUsers("a", "b "), `target.users[1]: "b " ends with a space`},
		{ok, ToChannel("user:7"),
			`target.channel: "user:7" is owned by the server, expected no name that starts ` +
				`with "user:"`},
		{ok, ToChannel("*"), `target.channel: "*" means everyone, expected the name of a channel`},
		{ok, ToChannel("a#b"),
			`target.channel: "a#b" contains '#', which separates the namespace, expected a ` +
				`name without it`},
		{ok, ToChannels("a", "b", ""), `target.channels[2]: is empty, expected 1 to 200 bytes`},
		{ok, ToChannels(many...), `target.channels: has 1001 names, expected 1 to 1000`},
		{ok, ToClient("\x00"),
			`target.client: "\x00" contains U+0000, expected no control, format or ` +
				`line-separator character`},
		{Notification{Type: "t", Except: []string{"a", ""}}, ToAll(),
			`except[1]: is empty, expected 1 to 200 bytes`},
		{Notification{Type: "t", Except: many}, ToAll(),
			`except: has 1001 client ids, expected at most 1000`},
		{Notification{Type: "t", Data: json.RawMessage(`{"a":}`)}, ToAll(),
			`data: not valid JSON at byte 5: got '}', expected a value`},
		{Notification{Type: "t", Data: json.RawMessage(`{} {}`)}, ToAll(),
			`data: not valid JSON at byte 3: got '{', expected the end`},
		{Notification{Type: "t", Data: json.RawMessage(`NaN`)}, ToAll(),
			`data: not valid JSON at byte 0: got 'N', expected a value`},
		{Notification{Type: "t", Data: json.RawMessage(` `)}, ToAll(),
			`data: not valid JSON at byte 1: got the end, expected a value`},
		{Notification{Type: "t", Data: json.RawMessage("\"\xff\"")}, ToAll(),
			`data: not valid UTF-8 at byte 1`},
		{Notification{Type: "t", Data: json.RawMessage(`{"a":[{"b":1,"\u0062":2}]}`)}, ToAll(),
			`data.a[0].b: duplicate key "b"`},
		{Notification{Type: "t", Metadata: json.RawMessage(`{"a":1,"a":1}`)}, ToAll(),
			`metadata.a: duplicate key "a"`},
		{Notification{Type: "t", Data: json.RawMessage(`"` + strings.Repeat("x", MaxData-1) + `"`)},
			ToAll(), `data: is 262145 bytes long, expected at most 262144`},
		{Notification{Type: "t", Data: json.RawMessage(strings.Repeat("[", 33) +
			strings.Repeat("]", 33))}, ToAll(),
			"data" + strings.Repeat("[0]", 32) + `: nested more than 32 levels deep`},
		{Notification{Type: "t", Data: json.RawMessage(strings.Repeat("[", 200_000))}, ToAll(),
			"data" + strings.Repeat("[0]", 32) + `: nested more than 32 levels deep`},
		{Notification{Type: "t", Metadata: json.RawMessage(`[]`)}, ToAll(),
			`metadata: is not an object`},
		{Notification{Type: "t", Metadata: json.RawMessage(`{"a"}`)}, ToAll(),
			`metadata: not valid JSON at byte 4: got '}', expected ':'`},
		{Notification{Type: "t", Metadata: json.RawMessage(`{"a":"` +
			strings.Repeat("x", MaxMetadata) + `"}`)}, ToAll(),
			`metadata: is 65544 bytes long, expected at most 65536`},
	} {
		_, err := h.Publish(t.Context(), c.n, c.to)
		var invalid *ValidationError
		if !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("publish %.40s to %.40v\n got %v\nwant %s", c.n.Data, c.to, err, c.want)
		}
	}
	if h.Head().Seq != 0 {
		t.Errorf("head %v: something was sent", h.Head())
	}
}

func TestPublishAccepts(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	for _, data := range []string{
		"", "null", "0", `"a"`, "[]", " {\n} ", `{"__proto__":1,"a":1}`,
		`"` + strings.Repeat("x", MaxData-2) + `"`,
		strings.Repeat("[", 32) + strings.Repeat("]", 32),
		`"` + strings.Repeat("[", 100) + `\"` + strings.Repeat("{", 100) + `"`,
		`[` + strings.Repeat(`{},[],`, 100) + `1]`,
	} {
		m, err := newMessage(Notification{Type: "t", Data: json.RawMessage(data)}, ToAll())
		if err != nil || string(m.Data) != data {
			t.Errorf("data %.40q became %.40q, %v", data, m.Data, err)
		}
	}
	atLimit := ToUsers(slices.Repeat([]string{"x"}, 1000)...)
	if _, err := h.Publish(t.Context(), Notification{Type: "t"}, atLimit); err != nil {
		t.Error(err)
	}
}

// Publish trusts a checked value if it is the same memory and obeys the rules of Publish.
func TestPublishTrustsProof(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)
	check := func(text string, r strictjson.Rules) strictjson.Checked {
		checked, err := strictjson.Check([]byte(text), r)
		if err != nil {
			t.Fatal(err)
		}
		return checked
	}
	forged := check(`{"a":1}`, strictjson.Rules{})
	// This breaks the contract of SetData, to show that Publish does not read the value.
	copy(forged.Bytes(), "#######")
	for _, c := range []struct {
		name    string
		change  func(*Notification)
		refused string
	}{
		{"trusted", func(n *Notification) {
			n.SetData(forged)
			n.SetMetadata(check(` {"a":1} `, strictjson.Rules{}))
		}, ""},
		{"replaced", func(n *Notification) {
			n.SetData(forged)
			n.Data = json.RawMessage(`bad`)
		}, `data: not valid JSON at byte 0: got 'b', expected a value`},
		{"too deep", func(n *Notification) {
			n.SetData(check(deep, strictjson.Rules{}))
		}, "data" + strings.Repeat("[0]", 32) + ": nested more than 32 levels deep"},
		{"with duplicates", func(n *Notification) {
			n.SetData(check(`{"a":1,"a":2}`, strictjson.Rules{DuplicateKeys: true}))
		}, `data.a: duplicate key "a"`},
		{"too long", func(n *Notification) {
			n.SetData(check(`"`+strings.Repeat("x", MaxData)+`"`, strictjson.Rules{}))
		}, `data: is 262146 bytes long, expected at most 262144`},
		{"no object", func(n *Notification) {
			n.SetMetadata(check(`[]`, strictjson.Rules{}))
		}, `metadata: is not an object`},
		{"none", func(n *Notification) {
			n.SetData(strictjson.Checked{})
			n.SetMetadata(strictjson.Checked{})
		}, ""},
	} {
		n := Notification{Type: "t"}
		c.change(&n)
		_, err := newMessage(n, ToAll())
		if got := fmt.Sprint(err); got != c.refused && (err != nil || c.refused != "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.refused)
		}
	}
}

func TestTargetsBecomeRooms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to       Target
		metadata string
		rooms    []string
		want     string
	}{
		{ToAll(), ``, []string{"*"}, ``},
		{ToAll(), ` {"a": 1} `, []string{"*"}, `{"a": 1}`},
		{ToAll(), `null`, []string{"*"}, ``},
		{ToUser("u1"), `{"channel":"kept"}`, []string{"user:u1"}, `{"channel":"kept"}`},
		{ToUsers("u1", "u2", "u1"), ``, []string{"user:u1", "user:u2"}, ``},
		{ToClient("c1"), ``, []string{"client:c1"}, ``},
		{ToChannel("orders"), ``, []string{"orders"}, `{"channel":"orders"}`},
		{ToChannel("orders"), `{ }`, []string{"orders"}, `{"channel":"orders"}`},
		{ToChannel("orders"), `{"a": 1 }`, []string{"orders"}, `{"a": 1 ,"channel":"orders"}`},
		{ToChannel("orders"), `{"channel":"forged","a":1}`, []string{"orders"},
			`{"a":1,"channel":"orders"}`},
		{ToChannel("orders"), `{"\u0063hannel":"forged"}`, []string{"orders"},
			`{"channel":"orders"}`},
		{ToChannels("b", "a", "b"), ``, []string{"b", "a"}, `{"channels":["b","a"]}`},
		{ToChannels("a"), `{"channel":1}`, []string{"a"}, `{"channel":1,"channels":["a"]}`},
		{ToChannel(`q"\é`), ``, []string{`q"\é`}, `{"channel":"q\"\\é"}`},
	} {
		m, err := newMessage(Notification{Type: "t", Metadata: json.RawMessage(c.metadata)}, c.to)
		if err != nil {
			t.Errorf("%v: %v", c.to, err)
			continue
		}
		if !slices.Equal(m.Rooms, c.rooms) || string(m.Metadata) != c.want || m.Namespace != "/" {
			t.Errorf("%v with %s\n got %v %s\nwant %v %s", c.to, c.metadata, m.Rooms, m.Metadata,
				c.rooms, c.want)
		}
	}
}
