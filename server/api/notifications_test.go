package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestPublishTargets(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	servertest.Attach(t, hub, "c1", "u1", "orders")
	servertest.Attach(t, hub, "c2", "u1")
	servertest.Attach(t, hub, "c3", "u2", "orders", "news")
	servertest.Attach(t, hub, "c4", "")

	for _, tc := range []struct {
		target, extra              string
		delivered, users, channels int
	}{
		{`{"user":"u1"}`, ``, 2, 1, 0},
		{`{"user":"nobody"}`, ``, 0, 0, 0},
		{`{"users":["u1","u2","u3"]}`, ``, 3, 2, 0},
		{`{"channel":"orders"}`, ``, 2, 2, 1},
		{`{"channels":["orders","news","empty"]}`, ``, 2, 2, 2},
		{`{"client":"c4"}`, ``, 1, 0, 0},
		{`{"all":true}`, ``, 4, 2, 0},
		{`{"all":true}`, `,"except":["c1","c4"]`, 2, 2, 0},
		{`{"user":"u1"}`, `,"except":null,"metadata":null,"volatile":null`, 2, 1, 0},
		{`{"user":"u1"}`, `,"metadata":{"source":"test"},"data":null,"volatile":false`, 2, 1, 0},
	} {
		res, body := servertest.Publish(t, base,
			`{"target":`+tc.target+`,"type":"greeting","data":{"a":1}`+
				strings.Replace(tc.extra, `"data":null,`, ``, 1)+`}`)
		want := fmt.Sprintf(`{"id":"%s","delivered":%d,"users":%d,"channels":%d,`+
			`"stored":true}`+"\n",
			hub.Head(), tc.delivered, tc.users, tc.channels)
		if res.StatusCode != 200 || body != want {
			t.Errorf("%s%s: %d %s, want 200 %s", tc.target, tc.extra, res.StatusCode, body, want)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type %q", ct)
		}
	}
}

func TestPublishVolatile(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	servertest.Attach(t, hub, "c1", "u1")
	before := hub.Head()
	res, body := servertest.Publish(t, serveHub(t, hub),
		`{"target":{"user":"u1"},"type":"typing","volatile":true}`)
	want := `{"delivered":1,"users":1,"channels":0,"stored":false}` + "\n"
	if res.StatusCode != 200 || body != want || hub.Head() != before {
		t.Errorf("%d %s, head %s -> %s", res.StatusCode, body, before, hub.Head())
	}
}

// Members receive data byte for byte.
func TestPublishKeepsData(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	for i, data := range []string{
		`{"b":1.0, "a":1e2,"\u00e9":"\u00e9/\/"}`, `null`, `0`, `-0.00`, `12345678901234567890`,
		`"<&>\u2028"`, `[]`, `[ 1 , {} ]`, `true`,
	} {
		m := servertest.Attach(t, hub, fmt.Sprint("c", i), "u1")
		res, body := servertest.Publish(t, base,
			` {"target":{"user":"u1"},"type":"x", "data": `+data+` , "metadata":{"k":[ 1 ]}}`)
		if res.StatusCode != 200 {
			t.Fatal(body)
		}
		var got [4]notify.Delivery
		if n, _ := m.Pull(got[:]); n != 1 || got[0].Message == nil {
			t.Fatalf("%s: pulled %d", data, n)
		}
		if msg := got[0].Message; string(msg.Data) != data ||
			string(msg.Metadata) != `{"k":[ 1 ]}` {
			t.Errorf("sent %s, got %s and %s", data, msg.Data, msg.Metadata)
		}
		m.Detach()
	}
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	before := hub.Head()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	const keys = "target, except, type, data, metadata, volatile, ttl, retain"
	const targets = "user, users, channel, channels, client or all"
	type refusal struct{ body, detail, field string }
	for _, tc := range []refusal{
		{``, `body: not valid JSON at byte 0: got the end, expected a value`, ``},
		{`{"type":`, `body: not valid JSON at byte 8: got the end, expected a value`, ``},
		{`{} {}`, `body: not valid JSON at byte 3: got '{', expected the end`, ``},
		{`{"data":NaN}`, `body: not valid JSON at byte 8: got 'N', expected a value`, ``},
		{"{\"data\":\"\xff\"}", `body: not valid UTF-8 at byte 9`, ``},
		{
			`"x"`, `body: got the string "x", expected an object or an array of up to 1000 objects`,
			``,
		},
		{
			` 12`, `body: got the number 12, expected an object or an array of up to 1000 objects`,
			``,
		},
		{`{}`, `target: missing, expected an object with one of ` + targets, `target`},
		{
			`{"target":null}`, `target: got null, expected an object with one of ` + targets,
			`target`,
		},
		{`{"target":{}}`, `target: got none, expected exactly one of ` + targets, `target`},
		{
			`{"target":{"user":"a","all":true}}`,
			`target: got user, all, expected exactly one of ` + targets, `target`,
		},
		{
			`{"target":{"room":"a"}}`, `target.room: unknown field, expected one of ` + targets,
			`target.room`,
		},
		{
			`{"target":{"user":true}}`, `target.user: got true, expected a string`,
			`target.user`,
		},
		{`{"target":{"user":null}}`, `target.user: got null, expected a string`, `target.user`},
		{
			`{"target":{"users":"a"}}`,
			`target.users: got the string "a", expected an array of strings`, `target.users`,
		},
		{
			`{"target":{"users":null}}`, `target.users: got null, expected an array of strings`,
			`target.users`,
		},
		{
			`{"target":{"channels":["a",{}]}}`,
			`target.channels[1]: got an object, expected a string`, `target.channels[1]`,
		},
		{
			`{"target":{"channels":[` + strings.Repeat(`"a",`, 1000) + `"a"]}}`,
			`target.channels: got more than 1000 elements, expected at most 1000`,
			`target.channels`,
		},
		{`{"target":{"all":false}}`, `target.all: got false, expected true`, `target.all`},
		{
			`{"target":{"user":"\ud800"}}`,
			`target.user: got half a surrogate pair, expected valid Unicode`, `target.user`,
		},
		{`{"Ttl":"5m"}`, `Ttl: unknown field, expected one of ` + keys, `Ttl`},
		{
			`{"ttl":300}`,
			`ttl: got the number 300, expected a positive duration such as "30s", "5m" or "1h30m"`,
			`ttl`,
		},
		{
			`{"ttl":"5 min"}`,
			`ttl: got the string "5 min", expected a positive duration such as "30s", "5m" or ` +
				`"1h30m"`,
			`ttl`,
		},
		{
			`{"ttl":"-1s"}`,
			`ttl: got the string "-1s", expected a positive duration such as "30s", "5m" or ` +
				`"1h30m"`,
			`ttl`,
		},
		{`{"Type":"x"}`, `Type: unknown field, expected one of ` + keys, `Type`},
		{`{"type":["x"]}`, `type: got an array, expected a string`, `type`},
		{`{"except":"c1"}`, `except: got the string "c1", expected an array of strings`, `except`},
		{`{"except":[1.5]}`, `except[0]: got the number 1.5, expected a string`, `except[0]`},
		{`{"metadata":[1]}`, `metadata: got an array, expected an object`, `metadata`},
		{
			`{"volatile":"yes"}`, `volatile: got the string "yes", expected true or false`,
			`volatile`,
		},
		{`{"type":"a","type":"a"}`, `type: duplicate key "type"`, `type`},
		{`{"data":{"x":[1,{"a":1,"\u0061":2}]}}`, `data.x[1].a: duplicate key "a"`, `data.x[1].a`},
		{
			`{"data":` + nested(33) + `}`,
			`data` + strings.Repeat("[0]", 32) + `: nested more than 33 levels deep`,
			`data` + strings.Repeat("[0]", 32),
		},
	} {
		res, body := servertest.Publish(t, base, tc.body)
		want := servertest.ProblemJSON(t, 400, "validation", tc.detail, tc.field)
		if res.StatusCode != 400 || servertest.Sorted(t, body) != want {
			t.Errorf("%.80s: %d\n got %s\nwant %s", tc.body, res.StatusCode,
				servertest.Sorted(t, body), want)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("Content-Type %q", ct)
		}
	}
	// The Hub checks names. Its errors have the field too.
	for body, field := range map[string]string{
		`{"target":{"user":"u"},"type":""}`:                                 "type",
		`{"target":{"user":"u"},"type":"connect"}`:                          "type",
		`{"target":{"user":"a\nb"},"type":"x"}`:                             "target.user",
		`{"target":{"users":["a",""]},"type":"x"}`:                          "target.users[1]",
		`{"target":{"channel":"user:u1"},"type":"x"}`:                       "target.channel",
		`{"target":{"channels":["a","*"]},"type":"x"}`:                      "target.channels[1]",
		`{"target":{"user":"u"},"type":"` + strings.Repeat("t", 129) + `"}`: "type",
	} {
		res, text := servertest.Publish(t, base, body)
		if res.StatusCode != 400 || !strings.Contains(text, `"field":"`+field+`"`) ||
			!strings.Contains(text, `"code":"validation"`) {
			t.Errorf("%s: %d %s, want field %s", body, res.StatusCode, text, field)
		}
	}
	if hub.Head() != before {
		t.Error("the server stored a refused notification")
	}
	if res, body := servertest.Publish(t, base,
		`{"target":{"all":true},"type":"x","data":`+nested(32)+`}`); res.StatusCode != 200 {
		t.Errorf("32 levels: %s", body)
	}
}

func TestPublishStoreDown(t *testing.T) {
	t.Parallel()
	hub := notify.New(servertest.DownLog{Log: notify.NewMemoryLog()}, notify.DefaultOptions())
	t.Cleanup(hub.Close)
	base := serveHub(t, hub)
	servertest.Attach(t, hub, "c1", "u1")
	item := `{"target":{"user":"u1"},"type":"x"}`
	want := servertest.ProblemJSON(t, 503, "unavailable", edge.UnavailableDetail, "")
	for _, body := range []string{item, "[" + item + "]", `[{"bad":1},` + item + "]"} {
		res, text := servertest.Publish(t, base, body)
		if res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" ||
			servertest.Sorted(t, text) != want {
			t.Errorf("%s: %d %v %s", body, res.StatusCode, res.Header, text)
		}
	}
}
