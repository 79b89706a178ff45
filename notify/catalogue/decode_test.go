package catalogue

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
)

// decodeBody checks and decodes a body as the HTTP API does: data is one level below the body.
func decodeBody(kind string, body []byte) (notify.Publication, error) {
	checked, err := strictjson.Split(body, strictjson.Rules{Depth: notify.MaxDepth + 1})
	var refused *strictjson.Error
	if errors.As(err, &refused) {
		return notify.Publication{}, refuse(cmp.Or(refused.Path, "body"), refused.Reason)
	}
	return Decode(kind, checked)
}

// decoded decodes a body, and returns its type, target, data and options.
func decoded(kind, body string) string {
	p, err := decodeBody(kind, []byte(body))
	if err != nil {
		return err.Error()
	}
	s := p.Notification.Type + " " + strings.Join(p.Target.Subjects(), ",") + " " + string(p.Notification.Data)
	if e := p.Notification.Except; e != nil {
		s += " except " + strings.Join(e, ",")
	}
	if p.Notification.Volatile {
		s += " volatile"
	}
	if p.Notification.TTL != 0 {
		s += " ttl " + p.Notification.TTL.String()
	}
	return s
}

func TestDecode(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 32) + strings.Repeat("]", 32)
	for _, c := range []struct{ kind, body, want string }{
		{"payment", `{"paymentId":"p1","status":"completed","data":{"customerId":"u1","amount":9.990,"x":{"y" : [1]}}}`,
			`payment:completed user:u1 {"paymentId":"p1","status":"completed","customerId":"u1","amount":9.990,"x":{"y" : [1]},"metadata":{"category":"payment","priority":"normal","source":"webhook"}}`},
		{"payment", ` { "target" : {"all":true} , "data" : null, "status":"failed","metadata":{"a" : 1,"source":"stripe"},"paymentId":"p1", "volatile":true,"except":["c1","c2"]} `,
			`payment:failed all {"paymentId":"p1","status":"failed","metadata":{"category":"payment","priority":"high","source":"stripe","a":1}} except c1,c2 volatile`},
		{"payment", `{"paymentId":"p1","status":"refunded","target":{"channels":["a","b"]},"ttl":"5m","volatile":null,"except":null,"metadata":null,"data":{}}`,
			`payment:refunded channel:a,channel:b {"paymentId":"p1","status":"refunded","metadata":{"category":"payment","priority":"normal","source":"webhook"}} ttl 5m0s`},
		{"data-export", `{"exportId":"e1","status":"completed","target":{"user":"u1"},"data":{"downloadUrl":"https://a/b","jobId":"j","status":"completed"}}`,
			`job:completed user:u1 {"exportId":"e1","status":"completed","jobType":"data-export","downloadUrl":"https://a/b","jobId":"j","metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{"job", `{"jobId":"j","status":"progress","target":{"client":"c"},"data":{"progress":0,"result":[null]}}`,
			`job:progress client:c {"jobId":"j","status":"progress","progress":0,"result":[null],"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{"maintenance", `{"maintenanceId":"m","action":"scheduled","data":{"startTime":"2026-11-22T10:00:00+01:00","affectedServices":[]}}`,
			`maintenance all {"maintenanceId":"m","action":"scheduled","startTime":"2026-11-22T10:00:00+01:00","affectedServices":[],"metadata":{"category":"maintenance","priority":"medium","source":"system","system":true}}`},
		{"security-alert", `{"alertId":"a","severity":"critical","metadata":{"system":true}}`,
			`security:alert all {"alertId":"a","severity":"critical","metadata":{"category":"security","priority":"high","source":"system","system":true}}`},
		{"custom", `{"type":"x:y","data":{"\u0061":"\ud83d\ude00"},"target":{"users":["a"]}}`,
			`x:y user:a {"\u0061":"\ud83d\ude00","metadata":{"category":"custom","priority":"normal"}}`},
		{"user-session", `{"userId":"u\u0031","action":"password_changed"}`,
			`user:password_changed user:u1 {"userId":"u1","action":"password_changed","metadata":{"category":"session","priority":"high","source":"user-activity"}}`},

		{"payments", `{}`, `kind: got "payments", expected a kind of the catalogue`},
		{"payment", ``, `body: not valid JSON at byte 0: got the end, expected a value`},
		{"payment", `{"paymentId":"p1",}`, `body: not valid JSON at byte 18: got '}', expected a key in quotes`},
		{"payment", "{\"paymentId\":\"\xff\"}", `body: not valid UTF-8 at byte 14`},
		{"payment", `{"data":[` + deep + `]}`, `data` + strings.Repeat("[0]", 32) + `: nested more than 33 levels deep`},
		{"payment", `[]`, `body: got an array, expected an object`},
		{"payment", `{}`, `paymentId: is missing, expected a string`},
		{"payment", `{"paymentId":7}`, `paymentId: got the number 7, expected a string`},
		{"payment", `{"paymentId":null}`, `paymentId: got null, expected a string`},
		{"payment", `{"paymentId":"\ud800"}`, `paymentId: got half a surrogate pair, expected valid Unicode`},
		{"payment", `{"paymentId":"p1"}`, `status: is missing, expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","status":"done"}`, `status: got "done", expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","status":true}`, `status: got true, expected pending, completed, failed or refunded`},
		{"payment", `{"paymentId":"p1","Status":"failed"}`, `Status: unknown field, expected one of paymentId, status, data, metadata, target, except, volatile and ttl`},
		{"payment", `{"paymentId":"p1","type":"x"}`, `type: unknown field, expected one of paymentId, status, data, metadata, target, except, volatile and ttl`},
		{"payment", `{"":"p1"}`, `: unknown field, expected one of paymentId, status, data, metadata, target, except, volatile and ttl`},
		{"custom", `{"":"p1"}`, `: unknown field, expected one of type, data, metadata, target, except, volatile and ttl`},
		{"custom", `{"data":{}}`, `type: is missing, expected a string`},
		{"custom", `{"type":"auth:x"}`, `type: "auth:x" is reserved, choose another name`},
		{"custom", `{"type":"x","data":{"type":"x"}}`, `data.type: is not a field of data, expected type outside data`},
		{"custom", `{"type":"x","data":[1]}`, `data: got an array, expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","status":"failed"}`, `status: duplicate key "status"`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"a":1,"\u0061":2}}`, `data.a: duplicate key "a"`},
		{"payment", `{"paymentId":"p1","status":"failed","data":"x"}`, `data: got the string "x", expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":"12.50"}}`, `data.amount: got the string "12.50", expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":null}}`, `data.amount: got null, expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"amount":1e999}}`, `data.amount: got the number 1e999, expected a number`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"customerId":7}}`, `data.customerId: got the number 7, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"customerId":"` + strings.Repeat("x", 129) + `"}}`, `data.customerId: is 129 bytes long, expected at most 128`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"customerId":"a\n"}}`, `data.customerId: "a\n" ends with a space`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"status":"pending"}}`, `data.status: got the string "pending", expected "failed" as outside data`},
		{"payment", `{"paymentId":"p1","status":"failed","data":{"metadata":{}}}`, `data.metadata: is not a field of data, expected metadata outside data`},
		{"payment", `{"paymentId":"p1","status":"failed"}`, `target: is missing, and so is data.customerId, which has the default`},
		{"payment", `{"paymentId":"p1","status":"failed","target":null}`, `target: got null, expected an object with one of user, users, channel, channels, client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{}}`, `target: got none, expected exactly one of user, users, channel, channels, client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"user":"a","all":true}}`, `target: got user, all, expected exactly one of user, users, channel, channels, client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"room":"a"}}`, `target.room: unknown field, expected one of user, users, channel, channels, client or all`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"all":false}}`, `target.all: got false, expected true`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"user":["a"]}}`, `target.user: got an array, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"users":"a"}}`, `target.users: got the string "a", expected an array of strings`},
		{"payment", `{"paymentId":"p1","status":"failed","target":{"users":["a",1]}}`, `target.users[1]: got the number 1, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","except":"a"}`, `except: got the string "a", expected an array of strings`},
		{"payment", `{"paymentId":"p1","status":"failed","except":[` + strings.Repeat(`"x",`, 1000) + `"x"]}`, `except: got more than 1000 elements, expected at most 1000`},
		{"payment", `{"paymentId":"p1","status":"failed","volatile":1}`, `volatile: got the number 1, expected true or false`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":300}`, `ttl: got the number 300, expected a positive duration such as "5m"`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":"-5m"}`, `ttl: got "-5m", expected a positive duration such as "5m"`},
		{"payment", `{"paymentId":"p1","status":"failed","ttl":"5"}`, `ttl: got "5", expected a positive duration such as "5m"`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":[]}`, `metadata: got an array, expected an object`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":{"priority":1}}`, `metadata.priority: got the number 1, expected a string`},
		{"payment", `{"paymentId":"p1","status":"failed","metadata":{"source":""}}`, `metadata.source: is empty, expected 1 to 200 bytes`},
		{"system", `{"type":"x","metadata":{"system":false}}`, `metadata.system: is set by the kind, expected no value`},
		{"job", `{"jobId":"j","status":"started"}`, `target: is missing and has no default, expected an object with one of user, users, channel, channels, client or all`},
		{"job", `{"jobId":"j","status":"started","data":{"progress":100.5}}`, `data.progress: got the number 100.5, expected a number from 0 to 100`},
		{"job", `{"jobId":"j","status":"started","data":{"durationMs":1.5}}`, `data.durationMs: got the number 1.5, expected an integer of at least 0`},
		{"job", `{"jobId":"j","status":"started","data":{"durationMs":1e16}}`, `data.durationMs: got the number 1e16, expected an integer of at least 0`},
		{"job", `{"jobId":"j","status":"started","data":{"result":null}}`, `data.result: got null, expected any value except null, or no value`},
		{"video-processing", `{"videoId":"v","status":"progress"}`, `status: got "progress", expected started, processing, completed or failed`},
		{"video-processing", `{"videoId":"v","status":"started","data":{"jobType":"video"}}`, `data.jobType: got "video", expected video-processing`},
		{"post-update", `{"postId":"p","action":"created","data":{"tags":"a"}}`, `data.tags: got the string "a", expected an array of strings`},
		{"post-update", `{"postId":"p","action":"created","data":{"tags":["a",null]}}`, `data.tags[1]: got null, expected a string`},
		{"system-health", `{"systemId":"db","status":"warning","data":{"metrics":[]}}`, `data.metrics: got an array, expected an object`},
		{"system-health", `{"systemId":"db","status":"warning","data":{"checkedAt":"yesterday"}}`, `data.checkedAt: got the string "yesterday", expected a time such as "2026-11-22T10:00:00Z"`},
		{"system-health", `{"systemId":"db","status":"warning","data":{"checkedAt":1763805600000}}`, `data.checkedAt: got the number 1763805600000, expected a time such as "2026-11-22T10:00:00Z"`},
	} {
		if got := decoded(c.kind, c.body); got != c.want {
			t.Errorf("%s %.200s\n got %s\nwant %s", c.kind, c.body, got, c.want)
		}
	}
}

func TestDecodeSharesNoMemory(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"x","data":{"a":1},"metadata":{"b":2},"except":["c"],"target":{"user":"d"}}`)
	p, err := decodeBody("custom", body)
	if err != nil {
		t.Fatal(err)
	}
	before := string(p.Notification.Data) + string(p.Notification.Metadata) + p.Notification.Except[0] + p.Target.Subjects()[0]
	for i := range body {
		body[i] = '#'
	}
	if after := string(p.Notification.Data) + string(p.Notification.Metadata) + p.Notification.Except[0] + p.Target.Subjects()[0]; after != before {
		t.Errorf("%s became %s", before, after)
	}
}

// Decode finds a duplicate key among many, too.
func TestManyFields(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10, 1000} {
		var data []string
		for i := range n {
			data = append(data, fmt.Sprintf(`"f%d":%d`, i, i))
		}
		for _, last := range []string{`"f0":0`, fmt.Sprintf(`"f%d":0`, n-1)} {
			want := fmt.Sprintf("data.%s: duplicate key %[1]q", strings.Split(last, `"`)[1])
			if got := decoded("custom", `{"type":"x","data":{`+strings.Join(data, ",")+","+last+`}}`); got != want {
				t.Errorf("%d fields: %.200s, want %s", n, got, want)
			}
		}
		if got := decoded("custom", `{"type":"x","data":{`+strings.Join(data, ",")+`}}`); !strings.Contains(got, data[n-1]+`,"metadata"`) {
			t.Errorf("%d fields: %.200s", n, got)
		}
	}
}

func TestParseTTL(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"5m": 5 * time.Minute, "90s": 90 * time.Second, "1ms": time.Millisecond, "1h30m": 90 * time.Minute} {
		if d, err := ParseTTL(s); d != want || err != nil {
			t.Errorf("ParseTTL(%q) = %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "0s", "-1s", "5", "forever", "9999999h"} {
		var invalid *notify.ValidationError
		if d, err := ParseTTL(s); d != 0 || !errors.As(err, &invalid) || invalid.Field != "ttl" {
			t.Errorf("ParseTTL(%q) = %v, %v", s, d, err)
		}
	}
}

// A Go value and a request with the same fields become the same bytes.
func TestGoAndHTTPAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ -~äß日😀]{1,20}`)
		p := Payment{
			PaymentID: rapid.StringMatching(`[a-z0-9_]{1,10}`).Draw(t, "id"),
			Status:    rapid.SampledFrom([]string{"pending", "completed", "failed", "refunded"}).Draw(t, "status"),
			Amount:    rapid.Float64().Draw(t, "amount"), Reason: name.Draw(t, "reason"), CustomerID: "u1",
			Data:     map[string]any{"extra": name.Draw(t, "extra"), "n": rapid.Int().Draw(t, "n")},
			Metadata: map[string]any{"trace": name.Draw(t, "trace")},
		}
		n, target, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		data := map[string]any{"customerId": p.CustomerID, "reason": p.Reason}
		if p.Amount != 0 {
			data["amount"] = p.Amount
		}
		for k, v := range p.Data {
			data[k] = v
		}
		body, err := json.Marshal(map[string]any{"paymentId": p.PaymentID, "status": p.Status, "data": data, "metadata": p.Metadata})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBody("payment", body)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Target.Subjects(), target.Subjects()) || got.Notification.Type != n.Type || !sameJSON(got.Notification.Data, n.Data) {
			t.Fatalf("HTTP %s\n  Go %s", got.Notification.Data, n.Data)
		}
	})
}

func sameJSON(a, b []byte) bool {
	canon := func(raw []byte) []byte {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			return raw
		}
		out, _ := json.Marshal(v)
		return out
	}
	return bytes.Equal(canon(a), canon(b))
}

// FuzzDecode: the data of a decoded body is a JSON object with the id first and the metadata last.
// Publish accepts it unless a name in its target or its size is not valid.
func FuzzDecode(f *testing.F) {
	f.Add("payment", `{"paymentId":"p1","status":"completed","data":{"customerId":"u1","amount":9.99,"metadata2":{}},"metadata":{"a":[{}]}}`)
	f.Add("custom", `{"type":"x","data":{"a\"}":"\\","\u007b":[1,{"b":null}]},"target":{"users":["a","b"]},"ttl":"5m"}`)
	f.Add("data-export", ` {"exportId" : "e" ,"status":"completed","target":{"all":true},"data":{"jobId":"j","recordCount":1e3}}`)
	f.Add("job", `{"jobId":"\ud800","status":"failed"}`)
	f.Add("post-update", `{"postId":"p","action":"created","data":{"tags":["a",[]]}}`)
	f.Add("achievement", `{"userId":"u","achievement":"x","except":[null]}`)
	h := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	f.Cleanup(h.Close)
	f.Fuzz(func(t *testing.T, kind, body string) {
		p, err := decodeBody(kind, []byte(body))
		if err != nil {
			var invalid *notify.ValidationError
			if !errors.As(err, &invalid) || len(err.Error()) > 1000 {
				t.Fatalf("error %v", err)
			}
			return
		}
		n := p.Notification
		k, _ := KindOf(kind)
		var data map[string]json.RawMessage
		if err := json.Unmarshal(n.Data, &data); err != nil {
			t.Fatalf("%s became %s: %v", body, n.Data, err)
		}
		if !bytes.Equal(data["metadata"], n.Metadata) || k.ID.Name != "" && !bytes.HasPrefix(n.Data, []byte(`{"`+k.ID.Name+`":`)) {
			t.Fatalf("%s became %s with %s", body, n.Data, n.Metadata)
		}
		checked, err := strictjson.Check(n.Data, strictjson.Rules{})
		if all := slices.Collect(checked.Members()); err != nil || len(all) != len(data) {
			t.Fatalf("%s became %s: %v", body, n.Data, err)
		}
		var refused *notify.ValidationError
		if _, err := h.Publish(t.Context(), n, p.Target); err != nil && (!errors.As(err, &refused) ||
			!strings.HasPrefix(refused.Field, "target") && !strings.HasPrefix(refused.Field, "except") && refused.Field != "ttl" &&
				!strings.Contains(refused.Reason, "at most") && !strings.Contains(refused.Reason, "deeper")) {
			t.Fatalf("%s is refused later: %v", body, err)
		}
	})
}
