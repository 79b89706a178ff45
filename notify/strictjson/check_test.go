package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ text, want string }{
		{``, `not valid JSON at byte 0: got the end, expected a value`},
		{" \n", `not valid JSON at byte 2: got the end, expected a value`},
		{`{"type":`, `not valid JSON at byte 8: got the end, expected a value`},
		{`{} {}`, `not valid JSON at byte 3: got '{', expected the end`},
		{`{"data":NaN}`, `not valid JSON at byte 8: got 'N', expected a value`},
		{`nul`, `not valid JSON at byte 3: got the end, expected null`},
		{`nUll`, `not valid JSON at byte 1: got 'U', expected null`},
		{`truE`, `not valid JSON at byte 3: got 'E', expected true`},
		{`falsy`, `not valid JSON at byte 4: got 'y', expected false`},
		{`truefalse`, `not valid JSON at byte 4: got 'f', expected the end`},
		{`[1,]`, `not valid JSON at byte 3: got ']', expected a value`},
		{`[,1]`, `not valid JSON at byte 1: got ',', expected a value`},
		{`[1 2]`, `not valid JSON at byte 3: got '2', expected ',' or ']'`},
		{`[1}`, `not valid JSON at byte 2: got '}', expected ',' or ']'`},
		{`[1`, `not valid JSON at byte 2: got the end, expected ',' or ']'`},
		{`[`, `not valid JSON at byte 1: got the end, expected a value`},
		{`]`, `not valid JSON at byte 0: got ']', expected a value`},
		{`{"a":1,}`, `not valid JSON at byte 7: got '}', expected a key in quotes`},
		{`{a:1}`, `not valid JSON at byte 1: got 'a', expected a key in quotes`},
		{`{"a"}`, `not valid JSON at byte 4: got '}', expected ':'`},
		{`{"a":1]`, `not valid JSON at byte 6: got ']', expected ',' or '}'`},
		{`{"a":}`, `not valid JSON at byte 5: got '}', expected a value`},
		{`{`, `not valid JSON at byte 1: got the end, expected a key in quotes`},
		{`01`, `not valid JSON at byte 1: got '1', expected the end`},
		{`-`, `not valid JSON at byte 1: got the end, expected a digit`},
		{`-a`, `not valid JSON at byte 1: got 'a', expected a digit`},
		{`+1`, `not valid JSON at byte 0: got '+', expected a value`},
		{`.5`, `not valid JSON at byte 0: got '.', expected a value`},
		{`1.`, `not valid JSON at byte 2: got the end, expected a digit`},
		{`1.e5`, `not valid JSON at byte 2: got 'e', expected a digit`},
		{`1e+`, `not valid JSON at byte 3: got the end, expected a digit`},
		{`"abc`, `not valid JSON at byte 4: got the end, expected '"'`},
		{`"abc\`, `not valid JSON at byte 5: got the end, expected an escape such as \n or \u000a`},
		{`"\x"`, `not valid JSON at byte 2: got 'x', expected an escape such as \n or \u000a`},
		{`"\u12g4"`, `not valid JSON at byte 5: got 'g', expected a hexadecimal digit`},
		{
			"\"a\nb\"",
			`not valid JSON at byte 2: got '\n', expected a string without control characters`,
		},
		{
			"\"\x00\"",
			`not valid JSON at byte 1: got '\x00', expected a string without control characters`,
		},
		{"1\x00", `not valid JSON at byte 1: got '\x00', expected the end`},
		{"\ufeff1", `not valid JSON at byte 0: got '\ufeff', expected a value`},
		{"\u00a01", `not valid JSON at byte 0: got '\u00a0', expected a value`},
		{"{\"data\":\"\xff\"}", `not valid UTF-8 at byte 9`},
		{"\xff", `not valid UTF-8 at byte 0`},
		{"\"\xed\xa0\x80\"", `not valid UTF-8 at byte 1`}, // half a surrogate pair
		{"\"\xc0\x80\"", `not valid UTF-8 at byte 1`},
		{"{\"\xff\":1}", `not valid UTF-8 at byte 2`},
		{`{"a":1,"b":2,"a" :3}`, `a: duplicate key "a"`},
		{`{"":1,"":2}`, `duplicate key ""`},
		{`[0,{"x":[0,0,{"y":0,"y":0}]}]`, `[1].x[2].y: duplicate key "y"`},
		{`{"x":{"y":1},"y":[{},{"\\":1,"\u005c":2}]}`, `y[1].\: duplicate key "\\"`},
		{`{"\ud800":1,"\udfff":2}`, "\uFFFD: duplicate key \"\uFFFD\""},
		{
			`{"` + strings.Repeat("ä", 40) + `":{"a":0,"a":0}}`,
			strings.Repeat("ä", 32) + `….a: duplicate key "a"`,
		},
		{`[[[[[[]]]]]]`, `[0][0][0][0][0]: nested more than 5 levels deep`},
		{strings.Repeat("[", 200_000), `[0][0][0][0][0]: nested more than 5 levels deep`},
		{`{"a":[{"b":{"c":[0,[]]}}]}`, `a[0].b.c[1]: nested more than 5 levels deep`},
		{`[` + strings.Repeat("1,", 2000) + `1]`, `[1999]: more than 2000 values`},
		{`{"data":` + nested(6) + `}`, `data[0][0][0][0]: nested more than 5 levels deep`},
	} {
		checked, err := Check([]byte(c.text), Rules{Depth: 5, Values: 2000})
		if err == nil || err.Error() != c.want {
			t.Errorf("Check(%.60q)\n got %v\nwant %s", c.text, err, c.want)
		}
		if checked.Kind() != None || checked.Bytes() != nil || checked.Obeys(Rules{}) {
			t.Errorf("Check(%.60q) = %q", c.text, checked.Bytes())
		}
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want string
		kind Kind
	}{
		{` null `, `null`, Null},
		{"\t\r\n true\n", `true`, Bool},
		{`false`, `false`, Bool},
		{`-0.00e-10`, `-0.00e-10`, Number},
		{`12345678901234567890`, `12345678901234567890`, Number},
		{`1E400`, `1E400`, Number},
		{`"\"\\\/\b\f\n\r\t\u00e9\ud800"`, `"\"\\\/\b\f\n\r\t\u00e9\ud800"`, String},
		{"\"\u2028<&>\x7f\uFFFD😀\"", "\"\u2028<&>\x7f\uFFFD😀\"", String},
		{` [ 1 , {} ] `, `[ 1 , {} ]`, Array},
		{`[]`, `[]`, Array},
		{`{}`, `{}`, Object},
		{
			`{"a":{"a":{"a":"a"}},"b":["a","a","a",{"a":1},{"a":1}]}`,
			`{"a":{"a":{"a":"a"}},"b":["a","a","a",{"a":1},{"a":1}]}`, Object,
		},
		{`{"\\":1,"\\\\":2,"\"":3,"A":4,"a":5}`, `{"\\":1,"\\\\":2,"\"":3,"A":4,"a":5}`, Object},
		{`"{\"a\":1,\"a\":2}"`, `"{\"a\":1,\"a\":2}"`, String},
	} {
		checked, err := Check([]byte(c.text), Rules{Depth: 5})
		if err != nil || string(checked.Bytes()) != c.want || checked.Kind() != c.kind {
			t.Errorf("Check(%q) = %q (%c), %v, want %q (%c)", c.text, checked.Bytes(),
				checked.Kind(), err, c.want, c.kind)
		}
	}
}

// A duplicate is found wherever it is, in small objects and in large ones, and named with its path.
func TestDuplicateAmongMany(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, few - 1, few, few + 1, few + 2, 100, 3000} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"k%d":{"k0":[]}`, i))
		}
		object := strings.Join(members, ",")
		if _, err := Check([]byte("{"+object+"}"), Rules{}); err != nil {
			t.Errorf("%d members: %v", n, err)
		}
		for _, again := range []int{0, n / 2, n - 1} {
			escaped := strings.Replace(fmt.Sprintf(`"k%d"`, again), "k", `\u006B`, 1)
			text := []byte(`[0,{"in":{` + object + `,` + escaped + `:1}}]`)
			want := fmt.Sprintf(`[1].in.k%d: duplicate key "k%[1]d"`, again)
			if _, err := Check(text, Rules{}); err == nil || err.Error() != want {
				t.Errorf("%d members, again %d: %v, want %s", n, again, err, want)
			}
			if checked, err := Check(text, Rules{DuplicateKeys: true}); err != nil ||
				checked.Obeys(Rules{}) {
				t.Errorf("%d members with DuplicateKeys: %v, and obeys the rule", n, err)
			}
		}
	}
}

// MaxDepth is where encoding/json gives up.
func TestMaxDepth(t *testing.T) {
	t.Parallel()
	for _, n := range []int{MaxDepth, MaxDepth + 1} {
		text := []byte(strings.Repeat(`{"a":[`, n/2) + strings.Repeat("[", n%2) +
			strings.Repeat("]", n%2) + strings.Repeat("]}", n/2))
		_, err := Check(text, Rules{})
		if ok := n == MaxDepth; ok != (err == nil) || ok != json.Valid(text) {
			t.Errorf("%d levels: %v, encoding/json %v", n, err, json.Valid(text))
		}
		if _, err := SplitElements([]byte("["+string(text)+"]"), 5,
			Rules{Depth: 5}); (err == nil) != (n == MaxDepth) {
			t.Errorf("%d levels in an element: %v", n, err)
		}
	}
}

func TestObeys(t *testing.T) {
	t.Parallel()
	whole, err := Split([]byte(`{"a":[[1,2],{"b":null}],"c":1}`), Rules{Depth: 4, Values: 10})
	if err != nil {
		t.Fatal(err)
	}
	lax, err := Check([]byte(`[]`), Rules{DuplicateKeys: true})
	if err != nil {
		t.Fatal(err)
	}
	var parts []Checked
	for m := range whole.Members() {
		parts = append(parts, m.Value)
	}
	for _, c := range []struct {
		name  string
		value Checked
		rules Rules
		want  bool
	}{
		{"no rules", whole, Rules{}, true},
		{"its depth", whole, Rules{Depth: 3}, true},
		{"less depth", whole, Rules{Depth: 2}, false},
		{"its values", whole, Rules{Values: 8}, true},
		{"fewer values", whole, Rules{Values: 7}, false},
		{"a member is less deep", parts[0], Rules{Depth: 2}, true},
		{"and not known to be less deep than its siblings", parts[1], Rules{Depth: 1}, false},
		{"duplicates were not looked for", lax, Rules{}, false},
		{"and need not be", lax, Rules{DuplicateKeys: true}, true},
		{"the zero Checked", Checked{}, Rules{DuplicateKeys: true}, false},
	} {
		if got := c.value.Obeys(c.rules); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestIsAndClone(t *testing.T) {
	t.Parallel()
	text := []byte(` [1] `)
	checked, err := Check(text, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	clone := checked.Clone()
	if !checked.Is(text[1:4]) || checked.Is(text) || checked.Is(text[1:3]) ||
		checked.Is([]byte(`[1]`)) || clone.Is(text[1:4]) {
		t.Error("Is confuses memory")
	}
	if (Checked{}).Is(nil) || (Checked{}).Is([]byte{}) {
		t.Error("nothing is no proof")
	}
	text[2] = '#'
	if string(clone.Bytes()) != `[1]` || string(checked.Bytes()) != `[#]` {
		t.Errorf("clone %s, original %s", clone.Bytes(), checked.Bytes())
	}
}

// KindOf reads the first byte: that is enough to choose between Split and SplitElements.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Kind{
		"": None, " \n": None, " {": Object, "[x": Array, `"`: String, "nil": Null, "t": Bool,
		"f": Bool, "-": Number, "x": Number,
	} {
		if got := KindOf([]byte(text)); got != want {
			t.Errorf("KindOf(%q) = %c, want %c", text, got, want)
		}
	}
}

// A check of an ordinary text takes no memory. The race detector drops some of what is pooled, so a
// little is allowed.
func TestCheckAllocatesLittle(t *testing.T) {
	text := samples["payment"]
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Check(text, Rules{Depth: 33}); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations", n)
	}
}
