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
	s := p.Notification.Type + " " + strings.Join(p.Target.Subjects(), ",") + " " +
		string(p.Notification.Data)
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
	for _, c := range []struct{ kind, body, want string }{
		{"payment", `{"paymentId":"p1","status":"completed","data":{"customerId":"u1",` +
			`"amount":9.990,"x":{"y" : [1]}}}`,
			`payment:completed user:u1 {"paymentId":"p1","status":"completed","customerId":"u1",` +
				`"amount":9.990,"x":{"y" : [1]},"metadata":{"category":"payment",` +
				`"priority":"normal","source":"webhook"}}`},
		{"payment", ` { "target" : {"all":true} , "data" : null, "status":"failed",` +
			`"metadata":{"a" : 1,"source":"stripe"},"paymentId":"p1", "volatile":true,` +
			`"except":["c1","c2"]} `,
			`payment:failed all {"paymentId":"p1","status":"failed",` +
				`"metadata":{"category":"payment","priority":"high","source":"stripe","a":1}} ` +
				`except c1,c2 volatile`},
		{"payment", `{"paymentId":"p1","status":"refunded","target":{"channels":["a","b"]},` +
			`"ttl":"5m","volatile":null,"except":null,"metadata":null,"data":{}}`,
			`payment:refunded channel:a,channel:b {"paymentId":"p1","status":"refunded",` +
				`"metadata":{"category":"payment","priority":"normal","source":"webhook"}} ttl ` +
				`5m0s`},
		{"data-export", `{"exportId":"e1","status":"completed","target":{"user":"u1"},` +
			`"data":{"downloadUrl":"https://a/b","jobId":"j","status":"completed"}}`,
			`job:completed user:u1 {"exportId":"e1","status":"completed","jobType":"data-export",` +
				`"downloadUrl":"https://a/b","jobId":"j","metadata":{"category":"job",` +
				`"priority":"normal","source":"job-processor"}}`},
		{"job", `{"jobId":"j","status":"progress","target":{"client":"c"},"data":{"progress":0,` +
			`"result":[null]}}`,
			`job:progress client:c {"jobId":"j","status":"progress","progress":0,"result":[null],` +
				`"metadata":{"category":"job","priority":"normal","source":"job-processor"}}`},
		{"maintenance", `{"maintenanceId":"m","action":"scheduled",` +
			`"data":{"startTime":"2026-11-22T10:00:00+01:00","affectedServices":[]}}`,
			`maintenance all {"maintenanceId":"m","action":"scheduled",` +
				`"startTime":"2026-11-22T10:00:00+01:00","affectedServices":[],` +
				`"metadata":{"category":"maintenance","priority":"medium","source":"system",` +
				`"system":true}}`},
		{"security-alert", `{"alertId":"a","severity":"critical","metadata":{"system":true}}`,
			`security:alert all {"alertId":"a","severity":"critical",` +
				`"metadata":{"category":"security","priority":"high","source":"system",` +
				`"system":true}}`},
		{"custom", `{"type":"x:y","data":{"\u0061":"\ud83d\ude00"},"target":{"users":["a"]}}`,
			`x:y user:a {"\u0061":"\ud83d\ude00","metadata":{"category":"custom",` +
				`"priority":"normal"}}`},
		{"user-session", `{"userId":"u\u0031","action":"password_changed"}`,
			`user:password_changed user:u1 {"userId":"u1","action":"password_changed",` +
				`"metadata":{"category":"session","priority":"high","source":"user-activity"}}`},
	} {
		if got := decoded(c.kind, c.body); got != c.want {
			t.Errorf("%s %.200s\n got %s\nwant %s", c.kind, c.body, got, c.want)
		}
	}
}

func TestDecodeSharesNoMemory(t *testing.T) {
	t.Parallel()
	body := []byte(
		`{"type":"x","data":{"a":1},"metadata":{"b":2},"except":["c"],"target":{"user":"d"}}`,
	)
	p, err := decodeBody("custom", body)
	if err != nil {
		t.Fatal(err)
	}
	before := string(p.Notification.Data) + string(p.Notification.Metadata) +
		p.Notification.Except[0] + p.Target.Subjects()[0]
	for i := range body {
		body[i] = '#'
	}
	if after := string(p.Notification.Data) + string(p.Notification.Metadata) +
		p.Notification.Except[0] + p.Target.Subjects()[0]; after != before {
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
			if got := decoded("custom",
				`{"type":"x","data":{`+strings.Join(data, ",")+","+last+`}}`); got != want {
				t.Errorf("%d fields: %.200s, want %s", n, got, want)
			}
		}
		if got := decoded("custom",
			`{"type":"x","data":{`+strings.Join(data, ",")+`}}`); !strings.Contains(got,
			data[n-1]+`,"metadata"`) {
			t.Errorf("%d fields: %.200s", n, got)
		}
	}
}

// The id of a kind may be a number, as in the tables of many applications, and is its text.
func TestNumbersAreIDs(t *testing.T) {
	t.Parallel()
	got := decoded("job", `{"jobId":7,"status":"started","target":{"user":7},"data":{"jobId":7}}`)
	if want := `{"jobId":"7","status":"started"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	got = decoded("payment", `{"paymentId":1,"status":"failed","data":{"customerId":42}}`)
	if want := `user:42 {"paymentId":"1","status":"failed","customerId":"42"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A Go value and a request with the same fields become the same bytes.
func TestGoAndHTTPAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ -~äß日😀]{1,20}`)
		p := Payment{
			PaymentID: rapid.StringMatching(`[a-z0-9_]{1,10}`).Draw(t, "id"),
			Status: rapid.SampledFrom([]string{
				"pending", "completed", "failed", "refunded",
			}).Draw(t, "status"),
			Amount: rapid.Float64().Draw(t, "amount"), Reason: name.Draw(t, "reason"),
			CustomerID: "u1",
			Data: map[string]any{
				"extra": name.Draw(t, "extra"), "n": rapid.Int().Draw(t, "n"),
			},
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
		body, err := json.Marshal(map[string]any{
			"paymentId": p.PaymentID, "status": p.Status, "data": data, "metadata": p.Metadata,
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeBody("payment", body)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Target.Subjects(), target.Subjects()) ||
			got.Notification.Type != n.Type || !sameJSON(got.Notification.Data, n.Data) {
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
