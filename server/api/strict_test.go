package api

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestJSONShape(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 1000 {
			b.WriteString(`"k` + itoa(i) + `":{},`)
		}
		return "{" + b.String() + last + "}"
	}
	for _, tc := range []struct{ value, path, reason string }{
		{`1`, "", ""},
		{`"{\"a\":1,\"a\":2}"`, "", ""},
		{`{"a":{"a":{"a":"a"}},"b":["a","a","a",{"a":1},{"a":1}]}`, "", ""},
		{`{"a":1,"b":2,"a" :3}`, "a", "the key stands there twice"},
		{`{"":1,"":2}`, "", "the key stands there twice"},
		{`[0,{"x":[0,0,{"y":0,"y":0}]}]`, "[1].x[2].y", "the key stands there twice"},
		{`{"\\":1,"\\\\":2,"\"":3}`, "", ""},
		{`{"\\":1,"\u005c":2}`, `\`, "the key stands there twice"},
		{many(`"z":1`), "", ""},
		{many(`"k7":1`), "k7", "the key stands there twice"},
		{`[[[[[]]]]]`, "", ""},
		{`[[[[[[]]]]]]`, "[0][0][0][0][0]", "nested more than 5 levels deep"},
	} {
		fault := checkJSONShape([]byte(tc.value), 5)
		switch {
		case fault == nil && tc.reason != "":
			t.Errorf("%.60s: passed, want %s at %s", tc.value, tc.reason, tc.path)
		case fault != nil && (fault.reason != tc.reason || fault.path != tc.path):
			t.Errorf("%.60s: %+v, want %s at %s", tc.value, fault, tc.reason, tc.path)
		}
	}
}

// Our splitting agrees with the standard decoder on whatever it writes.
func TestJSONSplit(t *testing.T) {
	var value *rapid.Generator[any]
	value = rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			return rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "array")
		case 1:
			return rapid.MapOfN(rapid.String(), rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "object")
		case 2:
			return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
		case 3:
			return nil
		case 4:
			return rapid.Bool().Draw(t, "bool")
		}
		return rapid.String().Draw(t, "string")
	})
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOfN(rapid.String(), value, 0, 5).Draw(t, "object")
		text, err := json.MarshalIndent(object, "", rapid.SampledFrom([]string{"", " ", "\t"}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]json.RawMessage
		_ = json.Unmarshal(text, &want)
		members := splitObject(text)
		values := []json.RawMessage{}
		for _, m := range members {
			if !bytes.Equal(m.value, want[m.key]) {
				t.Fatalf("%s: member %q is %s, want %s", text, m.key, m.value, want[m.key])
			}
			values = append(values, m.value)
		}
		if len(members) != len(want) {
			t.Fatalf("%s: %d members, want %d", text, len(members), len(want))
		}
		array, err := json.MarshalIndent(values, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		elements, more := splitArray(array, 5)
		if more || len(elements) != len(values) {
			t.Fatalf("%s: %d elements, want %d", array, len(elements), len(values))
		}
		for i := range elements {
			var a, b any
			_ = json.Unmarshal(elements[i], &a)
			_ = json.Unmarshal(values[i], &b)
			if canonicalJSON(a) != canonicalJSON(b) {
				t.Fatalf("%s: element %d is %s, want %s", array, i, elements[i], values[i])
			}
		}
		if fault := checkJSONShape(text, 100); fault != nil {
			t.Fatalf("%s: %+v", text, fault)
		}
	})
}

func canonicalJSON(v any) string { b, _ := json.Marshal(v); return string(b) }

// hasDuplicates is a slow and simple answer to the question of checkJSONShape.
func hasDuplicates(dec *json.Decoder) (duplicate bool, err error) {
	token, err := dec.Token()
	if err != nil {
		return false, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return false, nil
	}
	keys := map[string]bool{}
	for dec.More() {
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return false, err
			}
			duplicate = duplicate || keys[key.(string)]
			keys[key.(string)] = true
		}
		inner, err := hasDuplicates(dec)
		if err != nil {
			return false, err
		}
		duplicate = duplicate || inner
	}
	_, err = dec.Token()
	return duplicate, err
}

func FuzzJSONShape(f *testing.F) {
	for _, seed := range []string{`{}`, `[]`, `{"a":1,"a":2}`, `{"a":[{"\u0061":"x","a":{}}]}`, `[[[]]]`, `"\""`, ` { "a" : "b:c" , "d" : -1e5 } `,
		`{"\\":"\\\"","x":[",","]","}"]}`, `{"a":{"b":{"c":{"d":[1,2,{"e":null}]}}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if checkJSONText(value) != nil {
			return
		}
		want, err := hasDuplicates(json.NewDecoder(bytes.NewReader(value)))
		if err != nil {
			t.Skip() // deeper than the decoder goes
		}
		fault := checkJSONShape(value, 10_000)
		if want != (fault != nil) {
			t.Fatalf("%s: %+v, duplicates %v", value, fault, want)
		}
	})
}

// A body never ends the process, and every body is answered: 200 or a problem.
func FuzzPublishBody(f *testing.F) {
	for _, seed := range []string{
		`{"target":{"user":"u1"},"type":"a","data":{"x":[1,2,{"y":null}]},"metadata":{"k":"v"},"except":["c"],"volatile":true}`,
		`[{"target":{"users":["a","b"]},"type":"a"},{"target":{"channel":"c"},"type":"b"},{"target":{"channels":["c","d"]},"type":"b"},7]`,
		`{"target":{"client":"c"},"type":"a"}`, `{"target":{"all":true},"type":"a","data":"\ud83d\ude00"}`,
		`{"target":{"user":"\ud800"},"type":"a"}`, `[]`, `{}`, `null`, ``, ` `, `[[[[`, `{"a":1,"a":1}`, "\xff", `"` + "\u2028" + `"`, `[null,true,"x",[],{}]`,
		`{"target":{"user":"u","user":"v"},"type":"t"}`, `{"target" : {"user" : "u"} , "type" : "t" , "data" : 1E400}`,
	} {
		f.Add([]byte(seed))
	}
	hub := notify.New(notify.NewMemoryLog(), notify.Options{HistoryMaxBytes: 1 << 20})
	f.Cleanup(hub.Close)
	api := edge.WithInfo(nil, New(testOptions(hub, servertest.Key)))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/v1/notifications", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-API-Key", servertest.Key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answer %q", w.Body)
		}
		switch {
		case w.Code == 200 && w.Header().Get("Content-Type") == "application/json":
			if !json.Valid(body) {
				t.Fatalf("%q was taken", body)
			}
		case w.Code >= 400 && w.Code < 500 && w.Header().Get("Content-Type") == edge.ProblemContentType:
			var p edge.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" || p.Detail == "" {
				t.Fatalf("problem %s", w.Body)
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

func BenchmarkPublishDecode(b *testing.B) {
	body := []byte(`{"target":{"user":"u1"},"type":"payment:completed","data":{"paymentId":"p_1","amount":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}]},"metadata":{"source":"webhook"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := checkJSONText(body); err != nil {
			b.Fatal(err)
		}
		if _, err := decodePublication(body, ""); err != nil {
			b.Fatal(err)
		}
	}
}
