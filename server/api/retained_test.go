package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestRetainedRoutes(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	publish := func(target, kind, data string) {
		t.Helper()
		if code, text := s.ask("POST", "/v1/notifications", `{"target":`+target+`,"type":"`+kind+
			`","data":`+data+`,"retain":true}`); code != 200 {
			t.Fatal(code, text)
		}
	}
	retained := func(path, want string) {
		t.Helper()
		code, text := s.ask("GET", path, "")
		if got := servertest.Masked(text); code != 200 || got != want {
			t.Errorf("%s: %d %s\nwant %s", path, code, got, want)
		}
	}
	publish(`{"channel":"a b"}`, "status", `{"open":true}`)
	publish(`{"channel":"a b"}`, "status", `null`)
	publish(`{"channel":"a b"}`, "x/y", `1`)
	publish(`{"user":"u1"}`, "plan", `"pro"`)
	const status = `{"id":"ID","type":"status","data":null,"timestamp":*,` +
		`"metadata":{"channel":"a b","retained":true}}`
	const xy = `{"id":"ID","type":"x/y","data":1,"timestamp":*,` +
		`"metadata":{"channel":"a b","retained":true}}`
	retained("/v1/channels/a%20b/retained", `{"retained":[`+status+`,`+xy+`]}`)
	retained("/v1/channels/none/retained", `{"retained":[]}`)
	retained("/v1/users/u1/retained", `{"retained":[{"id":"ID","type":"plan","data":"pro",`+
		`"timestamp":*,"metadata":{"retained":true}}]}`)

	s.expect("DELETE", "/v1/channels/a%20b/retained/x%2Fy", 200, `{"deleted":1}`)
	s.expect("DELETE", "/v1/channels/a%20b/retained/x%2Fy", 200, `{"deleted":0}`)
	retained("/v1/channels/a%20b/retained", `{"retained":[`+status+`]}`)
	s.expect("DELETE", "/v1/channels/a%20b/retained", 200, `{"deleted":1}`)
	s.expect("DELETE", "/v1/users/u1/retained/plan", 200, `{"deleted":1}`)
	retained("/v1/channels/a%20b/retained", `{"retained":[]}`)
}

func TestRetainRefusals(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	const path = "/v1/notifications"
	for body, problem := range map[string][2]string{
		`{"target":{"all":true},"type":"t","retain":true}`: {"retain",
			"retain: needs a target of one channel or one user, got all"},
		`{"target":{"channels":["a"]},"type":"t","retain":true}`: {"retain",
			"retain: needs a target of one channel or one user, got channels"},
		`{"target":{"user":"u"},"type":"t","retain":true,"volatile":true}`: {"retain",
			"retain: needs a stored notification, and this one is volatile"},
		`{"target":{"user":"u"},"type":"t","retain":"yes"}`: {"retain",
			`retain: got the string "yes", expected true or false`},
	} {
		s.refused("POST", path, body, problem[0], problem[1])
	}
	if code, text := s.ask("POST", path+"/payment", `{"paymentId":"p","status":"completed",`+
		`"data":{"amount":1,"currency":"EUR","customerId":"u"},"retain":true}`); code != 200 {
		t.Errorf("catalogue: %d %s", code, text)
	}
	if code, text := s.ask("GET", "/v1/users/u/retained", ""); !strings.Contains(text,
		`"type":"payment:completed"`) {
		t.Errorf("%d %s", code, text)
	}
}

// Above a limit nothing is sent. In a batch the other items are.
func TestRetainedLimit(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	item := func(kind int) string {
		return fmt.Sprintf(`{"target":{"channel":"c"},"type":"t%d","retain":true}`, kind)
	}
	var items []string
	for i := range 257 {
		items = append(items, item(i))
	}
	code, text := s.ask("POST", "/v1/notifications", "["+strings.Join(items, ",")+"]")
	const detail = `retain: \"c\" has notifications of 256 types, the most that it may have; ` +
		`delete one, or publish without retain`
	if code != 200 || strings.Count(text, `"stored":true`) != 256 ||
		!strings.Contains(text, `{"error":{"type":"about:blank","title":"Conflict","status":409,`+
			`"detail":"[256].`+detail+`","code":"retained_limit","request_id":"req-1",`+
			`"field":"[256].retain"}}`) {
		t.Errorf("%d %s", code, text[len(text)-400:])
	}
	for range 2 { // with the same key the answer is the same
		code, text = s.ask("POST", "/v1/notifications", item(300), "Idempotency-Key: k")
		if code != 409 || !strings.Contains(text, `"detail":"`+detail+`"`) {
			t.Errorf("%d %s", code, text)
		}
	}
	head := s.hub.Head().Seq
	if code, _ = s.ask("POST", "/v1/notifications", item(7)); code != 200 || head != 256 {
		t.Errorf("replacement: %d after %d", code, head)
	}
}

func TestRetainedScopes(t *testing.T) {
	t.Parallel()
	const key = "a-key-of-at-least-32-random-bytes-0009"
	s := newTestServer(t, key+":channel:shop-*")
	for path, want := range map[string]int{
		"/v1/channels/shop-1/retained": 200, "/v1/channels/other/retained": 403,
		"/v1/users/u1/retained": 403, "/v1/position": 200,
	} {
		if code, text := s.ask("GET", path, "", "X-API-Key: "+key); code != want {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if code, _ := s.ask("DELETE", "/v1/channels/other/retained/t", "", "X-API-Key: "+key); code != 403 {
		t.Error(code)
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.expect("GET", "/v1/position", 200, `{"position":"`+s.hub.Head().String()+`"}`)
	if code, text := s.ask("POST", "/v1/notifications", `{"target":{"all":true},"type":"t"}`); code != 200 {
		t.Fatal(text)
	}
	if s.hub.Head().Seq != 1 {
		t.Error(s.hub.Head())
	}
	s.expect("GET", "/v1/position", 200, `{"position":"`+s.hub.Head().String()+`"}`)
}
