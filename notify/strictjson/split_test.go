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
		{
			` { "a" : [ 1 , 2 ] , "\u0062":{"x":"}"}, "c\"" : "\\\"" ,"":null } `,
			`a="a"=[ 1 , 2 ];b="\u0062"={"x":"}"};c"="c\""="\\\"";=""=null;`,
		},
		{`{"\ud800":1}`, "\uFFFD=\"\\ud800\"=1;"},
		{`[1]`, ``}, {`"x"`, ``}, {`1`, ``}, {`null`, ``},
	} {
		for name, check := range map[string]func([]byte, Rules) (Checked,
			error){"Check": Check, "Split": Split} {
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
		{`[]`, ``}, {`[ ]`, ``}, {`[1]`, `1;`},
		{` [ "]" , [] ,{"a":[1]}, -1e5 ,null] `, `"]";[];{"a":[1]};-1e5;null;`},
		{`{"a":1}`, ``}, {`"[1]"`, ``},
		// more than are noted
		{`[` + strings.Repeat("1,", 100) + `2]`, strings.Repeat("1;", 100) + `2;`},
	} {
		for name, check := range map[string]func([]byte, Rules) (Checked,
			error){"Check": Check, "Split": Split} {
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
		{` [ {"a":1} , {"a":1,"b":[{},{"a":1,"a":1}],"a":2} ,[[[[]]]], {"a":1,"a":1,"b":{}} , ` +
			`"x" ] `,
			[]string{`{"a":1}`, refused + `b[1].a: duplicate key "a"`,
				refused + `[0][0][0]: nested more than 3 levels ` +
					`deep`, refused + `a: duplicate key "a"`,
				`"x"`}},
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
		if elements, err := SplitElements([]byte(c.text), 5, Rules{}); err == nil ||
			err.Error() != c.want || elements != nil {
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
		{`"\\ufffd\ud800"`, "\\ufffd\uFFFD", ErrSurrogate},
		{`"\ud800\n"`, "\uFFFD\n", ErrSurrogate},
		{`"\ud800\u0061"`, "\uFFFDa", ErrSurrogate},
		{`"\ud800\ud800\udc00"`, "\uFFFD\U00010000", ErrSurrogate},
		{`"\ud800"`, "\uFFFD", ErrSurrogate}, {`"\udc00\ud800"`, "\uFFFD\uFFFD", ErrSurrogate},
		{`"\ufffd\ud800"`, "\uFFFD\uFFFD", ErrSurrogate},
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
		"", "a", `a"b\c`, "\b\f\n\r\t\x00\x1f\x7f", "<&>é😀\u2028\u2029\uFFFD", "\xff",
		"a\xedb\xa0\x80", "b", "f", "n",
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
		`{"a":1}`: "an object", `[1]`: "an array", `"a\n"`: `the string "a\n"`, `true`: "true",
		`false`: "false", `null`: "null", `-1e5`: "the number -1e5",
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
