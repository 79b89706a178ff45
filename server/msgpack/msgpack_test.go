package msgpack

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/strictjson"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var wide = Limits{Depth: 32, Values: 4096, Binary: 10, Bytes: 1 << 20}

// The bytes of notepack.io 2.2, which socket.io-msgpack-parser uses, for JSON values.
func TestBytesOfNotepack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, hex string }{
		{`null`, "c0"},
		{`true`, "c3"},
		{`false`, "c2"},
		{`0`, "00"},
		{`127`, "7f"},
		{`128`, "cc80"},
		{`255`, "ccff"},
		{`256`, "cd0100"},
		{`65535`, "cdffff"},
		{`65536`, "ce00010000"},
		{`4294967295`, "ceffffffff"},
		{`4294967296`, "cf0000000100000000"},
		{`9007199254740991`, "cf001fffffffffffff"},
		{`-1`, "ff"},
		{`-32`, "e0"},
		{`-33`, "d0df"},
		{`-128`, "d080"},
		{`-129`, "d1ff7f"},
		{`-32768`, "d18000"},
		{`-32769`, "d2ffff7fff"},
		{`-2147483648`, "d280000000"},
		{`-2147483649`, "d3ffffffff7fffffff"},
		{`-9007199254740991`, "d3ffe0000000000001"},
		{`1.5`, "cb3ff8000000000000"},
		{`-0.1`, "cbbfb999999999999a"},
		{`""`, "a0"},
		{`"a"`, "a161"},
		{`"é€😀"`, "a9c3a9e282acf09f9880"},
		{`[]`, "90"},
		{`[1,[2,[3]]]`, "920192029103"},
		{`[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]`, "9f000000000000000000000000000000"},
		{`[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]`, "dc001001010101010101010101010101010101"},
		{`{}`, "80"},
		{`{"a":1,"b":{"c":"d"}}`, "82a16101a16281a163a164"},
		{`{"k0":0,"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":11,"k12":12,"k13":13,"k14":14,"k15":15}`, "de0010a26b3000a26b3101a26b3202a26b3303a26b3404a26b3505a26b3606a26b3707a26b3808a26b3909a36b31300aa36b31310ba36b31320ca36b31330da36b31340ea36b31350f"},
		{`" \"\\\n\u0001"`, "a7e280a8225c0a01"},
	} {
		got := AppendJSON(nil, []byte(tt.json), nil)
		if hex.EncodeToString(got) != tt.hex {
			t.Errorf("%s is %x, want %s", tt.json, got, tt.hex)
		}
		raw, _ := hex.DecodeString(tt.hex)
		text, attachments, err := JSON(raw, wide)
		if err != nil || len(attachments) > 0 || !sameJSON(t, text, []byte(tt.json)) {
			t.Errorf("%s became %s, %v", tt.json, text, err)
		}
	}
}

func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Errorf("%s, %s: %v", a, b, err)
	}
	return reflect.DeepEqual(x, y)
}

// Values that JSON does not have become what JSON.stringify makes of them in JavaScript.
func TestValuesWithoutJSON(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"92d4000001":                             `[null,1]`,                   // undefined in an array
		"82a161d40000a16201":                     `{"b":1}`,                    // and in an object
		"81a161d40000":                           `{}`,                         //
		"d7000000000000000000":                   `"1970-01-01T00:00:00.000Z"`, // a Date
		"d700ffffffffffffffff":                   `"1969-12-31T23:59:59.999Z"`,
		"d700001eb208c2dc0000":                   `"+275760-09-13T00:00:00.000Z"`,
		"d700ffe14df73d240000":                   `"-271821-04-20T00:00:00.000Z"`,
		"d700001eb208c2dc0001":                   `null`, // an invalid Date
		"d7007fffffffffffffff":                   `null`,
		"92cb7ff8000000000000cb7ff0000000000000": `[null,null]`, // NaN, infinity
		"ca3fc00000":                             `1.5`,
		"ca7fc00000":                             `null`,
		"cb8000000000000000":                     `-0`,
		"cfffffffffffffffff":                     `18446744073709551615`,
		"d38000000000000000":                     `-9223372036854775808`,
		"cf0020000000000001":                     `9007199254740993`,
		"d301":                                   "", // cut
		"cb7e37e43c8800759c":                     `1e+300`,
		"cb3e7ad7f29abcaf48":                     `1e-07`,
		"c4020102":                               `{"_placeholder":true,"num":0}`,
		"c702000102":                             `{"_placeholder":true,"num":0}`, // an ArrayBuffer
		"d6ff00000001":                           `[-1,{"_placeholder":true,"num":0}]`,
		"c70c05" + strings.Repeat("00", 12):      `[5,{"_placeholder":true,"num":0}]`,
		"92c40101c40102":                         `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		"82a16101a16102":                         `{"a":1,"a":2}`,
	} {
		data, _ := hex.DecodeString(raw)
		text, _, err := JSON(data, wide)
		if string(text) != want || (err == nil) != (want != "") {
			t.Errorf("%s is %s, %v, want %s", raw, text, err, want)
		}
	}
}

// The Redis adapters of Socket.IO encode a Date as a timestamp of the specification.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"d6ff00000001":                   `"1970-01-01T00:00:01.000Z"`,
		"d6ffffffffff":                   `"2106-02-07T06:28:15.000Z"`,
		"d7ff03d0900000000001":           `"1970-01-01T00:00:01.016Z"`,
		"d7ff00000003ffffffff":           `"2514-05-30T01:53:03.000Z"`,
		"c70cff000f4240ffffffffffffffff": `"1969-12-31T23:59:59.001Z"`,
		"c70cff000000007fffffffffffffff": `null`,
		"c70cff000000008000000000000000": `null`,
		"d5ff0001":                       `[-1,{"_placeholder":true,"num":0}]`,
		"d7000000000000000000":           `"1970-01-01T00:00:00.000Z"`,
	} {
		data, _ := hex.DecodeString(raw)
		limits := wide
		limits.Timestamps = true
		if text, _, err := JSON(data, limits); string(text) != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", raw, text, err, want)
		}
	}
}

func TestHostileMessages(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("91", n) + "c0" }
	for name, tt := range map[string]struct {
		hex  string
		want error
	}{
		"an array of 4e9":         {"ddffffffff", ErrTruncated},
		"a map of 4e9":            {"dfffffffff", ErrTruncated},
		"nested huge arrays":      {strings.Repeat("ddffffffff", 8), ErrTruncated},
		"a string of 4 GB":        {"dbffffffff41", ErrTruncated},
		"binary of 4 GB":          {"c6ffffffff41", ErrTruncated},
		"an extension of 4 GB":    {"c9ffffffff0041", ErrTruncated},
		"a cut length":            {"dbffff", ErrTruncated},
		"nothing":                 {"", ErrTruncated},
		"the byte without value":  {"91c1", ErrFormat},
		"a number as key":         {"810102", ErrKey},
		"null as key":             {"81c002", ErrKey},
		"a map as key":            {"818001", ErrKey},
		"undefined as key":        {"81d4000001", ErrKey},
		"bytes after the value":   {"c0c0", ErrType},
		"no UTF-8":                {"a1ff", ErrText},
		"no UTF-8 as key":         {"81a1ff01", ErrText},
		"half a surrogate":        {"a3eda080", ErrText},
		"an overlong zero":        {"a2c080", ErrText},
		"32 levels":               {deep(32), nil},
		"33 levels":               {deep(33), ErrTooDeep},
		"a million levels":        {deep(1_000_000), ErrTooDeep},
		"4096 values":             {"dc0fff" + strings.Repeat("c0", 4095), nil},
		"4097 values":             {"dc1000" + strings.Repeat("c0", 4096), ErrTooMany},
		"undefined members":       {"dedead" + strings.Repeat("a161d40000", 0xdead), ErrTooMany},
		"11 binary values":        {"9b" + strings.Repeat("c400", 11), ErrBinary},
		"too much JSON":           {"db00040000" + strings.Repeat("01", 0x40000), ErrTooLarge},
		"too much JSON, then nil": {"92db00040000" + strings.Repeat("01", 0x40000) + "c0", ErrTooLarge},
	} {
		data, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, _, err := JSON(data, wide); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		r := NewReader(data)
		if r.Raw(); r.Err() == nil && tt.want == ErrTruncated {
			t.Errorf("%s: Raw found a value", name)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	r := NewReader(append(AppendUint(AppendString(AppendMap(nil, 1), "a"), 300), 0xff))
	if r.Map() != 1 || r.String() != "a" || r.Uint() != 300 || r.Err() != nil || r.Len() != 1 {
		t.Errorf("%+v", r)
	}
	if r.Uint(); r.Err() != ErrType || r.Len() != 0 {
		t.Errorf("%+v", r)
	}
	if r.Map() != 0 || r.String() != "" || r.Raw() != nil {
		t.Errorf("%+v", r)
	}
	if got := AppendUint(nil, math.MaxUint64); hex.EncodeToString(got) != "cfffffffffffffffff" {
		t.Errorf("%x", got)
	}
}

// What is translated twice is what it was, with spaces, escapes and attachments in any place.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	number := rapid.OneOf(rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Float64Range(-1e30, 1e30), func(f float64) any { return f }))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := rapid.OneOf(number, rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Just[any](nil))
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 40), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(rapid.String(), value(depth-1), 0, 20),
				func(m map[string]any) any { return m }))
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(2).Draw(t, "value")
		text, err := json.MarshalIndent([]any{v, json.RawMessage(placeholder + "0}")}, " ", "\t")
		if err != nil {
			t.Skip()
		}
		text = bytes.Replace(text, []byte("{\n \t\t\"_placeholder\": true,\n \t\t\"num\": 0\n \t}"),
			[]byte(placeholder+"0}"), 1)
		limits := Limits{Depth: 100, Values: 1 << 20, Binary: 10, Bytes: 1 << 30}
		got, attachments, err := JSON(AppendJSON([]byte("before"), text, [][]byte{{1, 2}})[6:], limits)
		if err != nil || len(attachments) != 1 || !bytes.Equal(attachments[0], []byte{1, 2}) {
			t.Fatalf("%s: %v, %v", text, attachments, err)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(text, &a), json.Unmarshal(got, &b)); err != nil ||
			!reflect.DeepEqual(a, b) {
			t.Fatalf("%s became %s: %v", text, got, err)
		}
	})
}

// Any bytes give an error or valid JSON that obeys the limits, and that is the same after another
// translation there and back.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{"92d4000001", "82a16101a162c4020102", "ddffffffff", "d7000000000000000000",
		"cb7ff8000000000000", "dc0010" + strings.Repeat("c0", 16), "c70c05" + strings.Repeat("00", 12), "a1ff"} {
		raw, _ := hex.DecodeString(seed)
		f.Add(raw)
	}
	limits := Limits{Depth: 8, Values: 200, Binary: 4, Bytes: 4096}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, attachments, err := JSON(raw, limits)
		if err != nil {
			return
		}
		rules := strictjson.Rules{Depth: 8 + 1, Values: 200 + 4*3, DuplicateKeys: true}
		if _, err := strictjson.Check(text, rules); err != nil {
			t.Fatalf("%x became %s: %v", raw, text, err)
		}
		if len(attachments) > limits.Binary {
			t.Fatalf("%d attachments", len(attachments))
		}
		again, parts, err := JSON(AppendJSON(nil, text, attachments), Limits{9, 300, 400, 1 << 20, false})
		if err != nil || len(parts) < len(attachments) || !sameJSON(t, text, again) && len(parts) == len(attachments) {
			t.Fatalf("%x became %s, then %s: %v", raw, text, again, err)
		}
	})
}

// Any valid JSON becomes MessagePack that a reader reads to its end.
func FuzzAppendJSON(f *testing.F) {
	f.Add([]byte(`[1,{"a":"b\u00e9"},null,-0.5e-7,true,18446744073709551615]`))
	f.Add([]byte(` { "_placeholder" : true , "num":0 } `))
	f.Add([]byte(placeholder + `0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := strictjson.Check(text, strictjson.Rules{Depth: 50, DuplicateKeys: true}); err != nil {
			return
		}
		raw := AppendJSON(nil, text, [][]byte{{7}})
		r := NewReader(raw)
		if r.Raw(); r.Err() != nil || r.Len() > 0 {
			t.Fatalf("%s became %x: %v", text, raw, r.Err())
		}
		if _, _, err := JSON(raw, Limits{50, 1 << 20, 1 << 20, 1 << 30, false}); err != nil {
			t.Fatalf("%s became %x: %v", text, raw, err)
		}
	})
}
