package api

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/strictjson"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// The server returns 200 or a problem for every body.
func FuzzPublishBody(f *testing.F) {
	for _, seed := range []string{
		`{"target":{"user":"u1"},"type":"a","data":{"x":[1,2,{"y":null}]},"metadata":{"k":"v"},` +
			`"except":["c"],"volatile":true}`,
		`[{"target":{"users":["a","b"]},"type":"a"},{"target":{"channel":"c"},"type":"b"},` +
			`{"target":{"channels":["c","d"]},"type":"b"},7]`,
		`{"target":{"client":"c"},"type":"a"}`,
		`{"target":{"all":true},"type":"a","data":"\ud83d\ude00"}`,
		`{"target":{"user":"\ud800"},"type":"a"}`, `[]`, `{}`, `null`, ``, ` `, `[[[[`,
		`{"a":1,"a":1}`, "\xff", `"` + "\u2028" + `"`, `[null,true,"x",[],{}]`,
		`{"target":{"user":"u","user":"v"},"type":"t"}`,
		`{"target" : {"user" : "u"} , "type" : "t" , "data" : 1E400}`,
	} {
		f.Add([]byte(seed))
	}
	hub := servertest.HubWith(f, func(o *notify.Options) { o.HistoryMaxBytes = 1 << 20 })
	api := edge.WithInfo(nil, New(testOptions(hub, servertest.Key)))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/v1/notifications", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-API-Key", servertest.Key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("the response is not JSON: %q", w.Body)
		}
		switch {
		case w.Code == 200 && w.Header().Get("Content-Type") == "application/json":
			if !json.Valid(body) {
				t.Fatalf("the server accepted %q", body)
			}
		case w.Code >= 400 && w.Code < 500 &&
			w.Header().Get("Content-Type") == edge.ProblemContentType:
			var p edge.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code ||
				p.Code == "" || p.Detail == "" {
				t.Fatalf("problem %s", w.Body)
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

func BenchmarkPublishDecode(b *testing.B) {
	body := []byte(`{"target":{"user":"u1"},"type":"payment:completed","data":{"paymentId":"p_1",` +
		`"amount":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}]},` +
		`"metadata":{"source":"webhook"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		checked, err := strictjson.Split(body, strictjson.Rules{Depth: notify.MaxDepth + 1})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := decodePublication(checked, ""); err != nil {
			b.Fatal(err)
		}
	}
}
