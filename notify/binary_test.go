package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitBinary(t *testing.T) {
	t.Parallel()
	type parts struct{ inline, placeholders, attachments string }
	same := func(text string) parts { return parts{text, text, ""} }
	for args, want := range map[string]parts{
		``:                         same(`[]`),
		` [ ] `:                    same(`[ ]`),
		`["a",1.50,{"b": 1e2}]`:    same(`["a",1.50,{"b": 1e2}]`),
		`[{"$binary":"AQI="}]`:     {`["AQI="]`, `[{"_placeholder":true,"num":0}]`, "0102"},
		`[{"a":{"$binary":""}},2]`: {`[{"a":""},2]`, `[{"a":{"_placeholder":true,"num":0}},2]`, ""},
		"[ {\n\"$binary\" :\t\"AQ==\" } ,{\"$binary\":\"Ag==\"}]": {
			`[ "AQ==" ,"Ag=="]`,
			`[ {"_placeholder":true,"num":0} ,{"_placeholder":true,"num":1}]`, "01 02",
		},
		`[{"$binary":"\/\/8="}]`: {`["\/\/8="]`, `[{"_placeholder":true,"num":0}]`, "ffff"},
		// Not binary: a text, other values, other members, a key that is no key.
		`["{\"$binary\":\"AQI=\"}"]`:       same(`["{\"$binary\":\"AQI=\"}"]`),
		`["{","$binary",":","AQI=","}"]`:   same(`["{","$binary",":","AQI=","}"]`),
		`[{"$binary":1},{"$binary":null}]`: same(`[{"$binary":1},{"$binary":null}]`),
		`[{"$binary":"AQI=","x":1}]`:       same(`[{"$binary":"AQI=","x":1}]`),
		`[{"x":1,"$binary":"AQI="}]`:       same(`[{"x":1,"$binary":"AQI="}]`),
		`[{"_placeholder":true,"num":0}]`:  same(`[{"_placeholder":true,"num":0}]`),
	} {
		s, err := SplitBinary(json.RawMessage(args))
		var attachments []string
		for _, a := range s.Attachments {
			attachments = append(attachments, fmt.Sprintf("%x", a))
		}
		got := parts{string(s.Inline), string(s.Placeholders), strings.Join(attachments, " ")}
		if err != nil || got != want {
			t.Errorf("%s:\n got %q, %v\nwant %q", args, got, err, want)
		}
	}
}

func TestSplitBinaryRefuses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"$binary":"AQ=="},`, MaxBinary)
	for args, reason := range map[string]string{
		`{}`:                               "is not an array",
		`["a"`:                             "args: ",
		`["a",]`:                           "args: not valid JSON",
		`[{"$binary":"?"}]`:                "is not base64",
		`[{"$binary":"AQ=\"="}]`:           "is not base64",
		`[` + many + `{"$binary":"AQ=="}]`: "more than 10 binary values",
		`[{"$binary":"AQ=="},{"_placeholder":true,"num":0}]`: `member "_placeholder"`,
		`[{"$binary":"AQ=="},[{"_place\u0068older":1}]]`:     `member "_placeholder"`,
		`["` + strings.Repeat("x", MaxArgs) + `"]`:           "expected at most 1000000",
		strings.Repeat("[", 34) + strings.Repeat("]", 34):    "nested more than",
	} {
		_, err := SplitBinary(json.RawMessage(args))
		var invalid *ValidationError
		if !errors.As(err, &invalid) || !strings.HasPrefix(invalid.Field, "args") ||
			!strings.Contains(err.Error(), reason) {
			t.Errorf("%.60s: got %v, want %q", args, err, reason)
		}
	}
}

func TestJoinBinary(t *testing.T) {
	t.Parallel()
	attachments := [][]byte{{1}, {2}}
	for value, want := range map[string]string{
		`{"_placeholder":true,"num":0}`: `{"$binary":"AQ=="}`,
		`{"a":{"_placeholder": true, "num": 1},"b":[{ "num":0 , "_placeholder":true }]}`: `{"a":` +
			`{"$binary":"Ag=="},"b":[{"$binary":"AQ=="}]}`,
		`{"_placeholder":true,"num":2}`:                  `{"_placeholder":true,"num":2}`,
		`{"_placeholder":false,"num":0}`:                 `{"_placeholder":false,"num":0}`,
		`{"_placeholder":true,"num":0,"x":1}`:            `{"_placeholder":true,"num":0,"x":1}`,
		`"{\"_placeholder\":true,\"num\":0}"`:            `"{\"_placeholder\":true,\"num\":0}"`,
		`["_placeholder",{"_placeholder":true,"num":0}]`: `["_placeholder",{"$binary":"AQ=="}]`,
	} {
		if got := string(JoinBinary(json.RawMessage(value), attachments)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", value, got, want)
		}
	}
	text := json.RawMessage(`{"_placeholder":true,"num":0}`)
	if got := JoinBinary(text, nil); !bytes.Equal(got, text) {
		t.Errorf("without attachments: %s", got)
	}
}

// Whatever a client may have sent comes back: JoinBinary of the placeholders is the value that
// SplitBinary read.
func TestBinaryRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		left := MaxBinary
		var value func(depth int) any
		value = func(depth int) any {
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case kind == 0 && left > 0:
				left--
				data := rapid.SliceOf(rapid.Byte()).Draw(t, "binary")
				return map[string]any{"$binary": base64.StdEncoding.EncodeToString(data)}
			case kind == 1 && depth > 0:
				return []any{value(depth - 1), value(depth - 1)}
			case kind == 2 && depth > 0:
				name := rapid.SampledFrom([]string{"a", "$binary", "num", "{"}).Draw(t, "name")
				return map[string]any{name: value(depth - 1), "other": value(depth - 1)}
			case kind == 3:
				return rapid.SampledFrom([]string{"$binary", `{"$binary":"AQ=="}`, "{", `"`}).Draw(t, "text")
			}
			return rapid.Int32().Draw(t, "number")
		}
		sent := []any{value(4), value(4)}
		text, _ := json.Marshal(sent)
		s, err := SplitBinary(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var again []any
		joined := JoinBinary(s.Placeholders, s.Attachments)
		_ = json.Unmarshal(joined, &again)
		var want []any
		_ = json.Unmarshal(text, &want)
		if !json.Valid(s.Inline) || !reflect.DeepEqual(again, want) {
			t.Fatalf("%s\nplaceholders %s\njoined %s", text, s.Placeholders, joined)
		}
	})
}

func FuzzBinary(f *testing.F) {
	for _, seed := range []string{
		`[{"$binary":"AQI="}]`, `["{\"$binary\":\"AQI=\"}"]`, `[{"$binary":"\/\/8="},{}]`,
		`[{"_placeholder":true,"num":0}]`, `[{"$binary" : "","a":{"$binary":""}}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, args []byte) {
		s, err := SplitBinary(bytes.Clone(args))
		if err != nil {
			return
		}
		if !json.Valid(s.Inline) || !json.Valid(s.Placeholders) {
			t.Fatalf("%s became %s and %s", args, s.Inline, s.Placeholders)
		}
		if joined := JoinBinary(s.Placeholders, s.Attachments); !json.Valid(joined) {
			t.Fatalf("%s was joined to %s", s.Placeholders, joined)
		}
	})
}
