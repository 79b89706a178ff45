package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`{}`, ``},
		{` { } `, ``},
		{`{"a":1}`, `a="a"=1;`},
		{` { "a" : [ 1 , 2 ] , "\u0062":{"x":"}"}, "c\"" : "\\\"" ,"":null } `, `a="a"=[ 1 , 2 ];b="\u0062"={"x":"}"};c"="c\""="\\\"";=""=null;`},
		{`{"\ud800":1}`, "\uFFFD=\"\\ud800\"=1;"},
		{`[1]`, ``}, {`"x"`, ``}, {`1`, ``}, {`null`, ``},
	} {
		for name, check := range map[string]func([]byte, Rules) (Checked, error){"Check": Check, "Split": Split} {
			checked, err := check([]byte(c.text), Rules{})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for m := range checked.Members() {
				fmt.Fprintf(&got, "%s=%s=%s;", m.Name, m.Key, m.Value.Bytes())
				if bad := m.NameErr() != nil; bad != (m.Name == "\uFFFD") {
					t.Errorf("%s: key %s, error %v", c.text, m.Key, m.NameErr())
				}
			}
			if got.String() != c.want {
				t.Errorf("%s %s: %s, want %s", name, c.text, got.String(), c.want)
			}
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`[]`, ``}, {`[ ]`, ``}, {`[1]`, `1;`}, {` [ "]" , [] ,{"a":[1]}, -1e5 ,null] `, `"]";[];{"a":[1]};-1e5;null;`},
		{`{"a":1}`, ``}, {`"[1]"`, ``},
		{`[` + strings.Repeat("1,", 100) + `2]`, strings.Repeat("1;", 100) + `2;`}, // more than are noted
	} {
		for name, check := range map[string]func([]byte, Rules) (Checked, error){"Check": Check, "Split": Split} {
			checked, err := check([]byte(c.text), Rules{})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for e := range checked.Elements() {
				fmt.Fprintf(&got, "%s;", e.Bytes())
			}
			if got.String() != c.want {
				t.Errorf("%s %s: %s, want %s", name, c.text, got.String(), c.want)
			}
		}
	}
}

// A loop over the parts may end early.
func TestSplitEndsEarly(t *testing.T) {
	t.Parallel()
	object, _ := Check([]byte(`{"a":1,"b":2}`), Rules{})
	for range object.Members() {
		break
	}
	array, _ := Split([]byte(`[1,2]`), Rules{})
	for range array.Elements() {
		break
	}
}

func TestSplitElements(t *testing.T) {
	t.Parallel()
	const refused = "refused: "
	for _, c := range []struct {
		text string
		want []string
	}{
		{` [ ] `, nil},
		{`[1]`, []string{`1`}},
		{` [ {"a":1} , {"a":1,"b":[{},{"a":1,"a":1}],"a":2} ,[[[[]]]], {"a":1,"a":1,"b":{}} , "x" ] `,
			[]string{`{"a":1}`, refused + `b[1].a: duplicate key "a"`, refused + `[0][0][0]: nested more than 3 levels deep`, refused + `a: duplicate key "a"`, `"x"`}},
		{`[` + strings.Repeat("1,", 4) + `1]`, []string{`1`, `1`, `1`, `1`, `1`}},
		{`[[1,2,3,4,5,6,7,8,9],[]]`, []string{refused + `[8]: more than 9 values`, `[]`}},
	} {
		elements, err := SplitElements([]byte(c.text), 5, Rules{Depth: 3, Values: 9})
		var got []string
		for _, e := range elements {
			if e.Err != nil {
				got = append(got, refused+e.Err.Error())
				continue
			}
			got = append(got, string(e.Value.Bytes()))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v\n got %q\nwant %q", c.text, err, got, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{`{}`, `not valid JSON at byte 0: got '{', expected an array`},
		{``, `not valid JSON at byte 0: got the end, expected an array`},
		{`[] []`, `not valid JSON at byte 3: got '[', expected the end`},
		{`[1] ,`, `not valid JSON at byte 4: got ',', expected the end`},
		{`[1,]`, `not valid JSON at byte 3: got ']', expected a value`},
		{`[1`, `not valid JSON at byte 2: got the end, expected ',' or ']'`},
		{`[{"a":1,"a":1}, x]`, `not valid JSON at byte 16: got 'x', expected a value`},
		{`[{"a":1,"a":1},{"a"}]`, `not valid JSON at byte 19: got '}', expected ':'`},
		{"[1,\"\xff\"]", `not valid UTF-8 at byte 4`},
		{`[1,2,3,4,5,6]`, `too many elements`},
	} {
		if elements, err := SplitElements([]byte(c.text), 5, Rules{}); err == nil || err.Error() != c.want || elements != nil {
			t.Errorf("%s: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, want string
		err        error
	}{
		{`"a"`, "a", nil}, {`""`, "", nil}, {`"\"\u00e9\ud83d\ude00"`, "\"é😀", nil},
		{`"\uFFFD"`, "\uFFFD", nil}, {"\"\uFFFD\\n\"", "\uFFFD\n", nil},
		{`"\\ufffd\uD83D\uDE00\""`, "\\ufffd😀\"", nil}, {`"\\ud800"`, "\\ud800", nil},
		{`"\\ufffd\ud800"`, "\\ufffd\uFFFD", ErrSurrogate}, {`"\ud800\n"`, "\uFFFD\n", ErrSurrogate},
		{`"\ud800\u0061"`, "\uFFFDa", ErrSurrogate}, {`"\ud800\ud800\udc00"`, "\uFFFD\U00010000", ErrSurrogate},
		{`"\ud800"`, "\uFFFD", ErrSurrogate}, {`"\udc00\ud800"`, "\uFFFD\uFFFD", ErrSurrogate}, {`"\ufffd\ud800"`, "\uFFFD\uFFFD", ErrSurrogate},
	} {
		checked, err := Check([]byte(c.text), Rules{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := checked.Text(); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v, want %q, %v", c.text, got, err, c.want, c.err)
		}
	}
	for _, v := range []Checked{{}, {text: []byte(`1`)}} {
		if _, err := v.Text(); err == nil {
			t.Errorf("%s has a text", v.Describe())
		}
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "a", `a"b\c`, "\b\f\n\r\t\x00\x1f\x7f", "<&>é😀\u2028\u2029\uFFFD", "\xff", "a\xedb\xa0\x80", "b", "f", "n",
	} {
		checkAppendString(t, s)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"b\\\n\u2028\xff")
	f.Fuzz(func(t *testing.T, s string) { checkAppendString(t, s) })
}

func checkAppendString(t *testing.T, s string) {
	t.Helper()
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	if got := string(AppendString([]byte("x"), s)); got+"\n" != "x"+want.String() {
		t.Errorf("%q: %s, want %s", s, got, want.String())
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1}`: "an object", `[1]`: "an array", `"a\n"`: `the string "a\n"`, `true`: "true", `false`: "false", `null`: "null", `-1e5`: "the number -1e5",
		`"` + strings.Repeat("x", 100) + `"`: `the string "` + strings.Repeat("x", 64) + `…"`,
	} {
		if got := (Checked{text: []byte(text)}).Describe(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := (Checked{}).Describe(); got != "nothing" {
		t.Errorf("the zero Checked: %s", got)
	}
}

// FuzzCheck: encoding/json finds the same texts valid, the same keys duplicate, the same depth and
// the same parts, which are all of the text.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `{"a":1,"a":2}`, `{"a":[{"\u0061":"x","a":{}}]}`, `[[[]]]`, `"\""`, ` { "a" : "b:c" , "d" : -1e5 } `,
		`{"\\":"\\\"","x":[",","]","}"]}`, `{"a":{"b":{"c":{"d":[1,2,{"e":null}]}}}}`, `[1.0,-0,1e+5,"\ud800\u00e9😀"]`, "\"\xff\"", "[\"\xed\xa0\x80\"]",
		`{"\ud800":1,"\ud801":2}`, `nulL`, `01`, `1.`, `{"a":1,}`, `[1,]`, "\ufeff{}", "1\x00", `[{"a":1,"a":1},2,{"b":[[[[]]]]}]`,
		string(samples["keys"]), string(samples["payment"]),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lax, err := Split(text, Rules{DuplicateKeys: true})
		if valid := json.Valid(text) && validUTF8(text); valid != (err == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, err, valid)
		}
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || refused.Path != "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		duplicates, depth := shapeOf(json.NewDecoder(bytes.NewReader(text)))
		checked, err := Check(text, Rules{Depth: max(depth, 1)})
		if duplicates != (err != nil) {
			t.Fatalf("%q: %v, duplicates %v", text, err, duplicates)
		}
		if depth > 1 {
			if _, err := Check(text, Rules{Depth: depth - 1}); err == nil {
				t.Fatalf("%q: %d levels pass as fewer", text, depth)
			}
		}
		sameParts(t, lax)
		if err == nil {
			sameParts(t, checked)
		}
		sameElements(t, text)
	})
}

func validUTF8(text []byte) bool { return bytes.Equal(bytes.ToValidUTF8(text, nil), text) }

// shapeOf reads one value and says whether an object in it has a key twice, and how deep it is.
func shapeOf(d *json.Decoder) (duplicates bool, depth int) {
	d.UseNumber()
	token, _ := d.Token()
	open, ok := token.(json.Delim)
	if !ok {
		return false, 0
	}
	keys := map[any]bool{}
	for d.More() {
		if open == '{' {
			key, _ := d.Token()
			duplicates = duplicates || keys[key]
			keys[key] = true
		}
		inside, below := shapeOf(d)
		duplicates, depth = duplicates || inside, max(depth, below)
	}
	_, _ = d.Token()
	return duplicates, depth + 1
}

// sameParts checks that what is not in the parts of a value is punctuation, and that the parts are
// those that encoding/json finds.
func sameParts(t *testing.T, c Checked) {
	t.Helper()
	var rest []byte
	at, text := 0, c.Bytes()
	skip := func(part []byte) {
		i := bytes.Index(text[at:], part)
		rest = append(rest, text[at:at+i]...)
		at += i + len(part)
	}
	switch c.Kind() {
	case Object:
		last := map[string]json.RawMessage{}
		for m := range c.Members() {
			skip(m.Key)
			skip(m.Value.Bytes())
			last[m.Name] = m.Value.Bytes()
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil || len(want) != len(last) {
			t.Fatalf("%s: %d names, want %d, %v", text, len(last), len(want), err)
		}
		for name, value := range want {
			if !bytes.Equal(last[name], value) {
				t.Fatalf("%s: member %q is %s, want %s", text, name, last[name], value)
			}
		}
	case Array:
		var want []json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		for e := range c.Elements() {
			if len(want) == 0 || !bytes.Equal(e.Bytes(), want[0]) {
				t.Fatalf("%s: element %s, want %s", text, e.Bytes(), want)
			}
			skip(e.Bytes())
			want = want[1:]
		}
		if len(want) > 0 {
			t.Fatalf("%s: without %s", text, want)
		}
	case String:
		s, err := c.Text()
		var want string
		if json.Unmarshal(text, &want); err == nil && s != want || err != nil && !errors.Is(err, ErrSurrogate) {
			t.Fatalf("%s: %q, %v, want %q", text, s, err, want)
		}
		return
	default:
		return
	}
	rest = append(rest, text[at:]...)
	if left := bytes.Trim(rest, "{}[],: \t\r\n"); len(left) > 0 {
		t.Fatalf("%s: %s is in no part", text, left)
	}
}

// sameElements checks that each element of an array is judged as it is alone.
func sameElements(t *testing.T, text []byte) {
	t.Helper()
	var want []json.RawMessage
	rules := Rules{Depth: 3, Values: 10}
	elements, err := SplitElements(text, 1<<20, rules)
	if json.Unmarshal(text, &want) != nil || bytes.HasPrefix(bytes.TrimSpace(text), []byte("null")) {
		if err == nil {
			t.Fatalf("%s is an array", text)
		}
		return
	}
	if err != nil || len(elements) != len(want) {
		t.Fatalf("%s: %d elements, want %d, %v", text, len(elements), len(want), err)
	}
	for i, e := range elements {
		alone, err := Check(want[i], rules)
		if fmt.Sprint(e.Err) != fmt.Sprint(err) || !bytes.Equal(e.Value.Bytes(), alone.Bytes()) {
			t.Fatalf("%s: element %d is %s, %v; alone %s, %v", text, i, e.Value.Bytes(), e.Err, alone.Bytes(), err)
		}
	}
}
