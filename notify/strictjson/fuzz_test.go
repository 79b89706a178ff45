package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
)

// FuzzCheck: encoding/json finds the same texts valid, the same keys duplicate, the same depth and
// the same parts, which are all of the text.
func FuzzCheck(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `{"a":1,"a":2}`, `{"a":[{"\u0061":"x","a":{}}]}`, `[[[]]]`, `"\""`,
		` { "a" : "b:c" , "d" : -1e5 } `,
		`{"\\":"\\\"","x":[",","]","}"]}`, `{"a":{"b":{"c":{"d":[1,2,{"e":null}]}}}}`,
		`[1.0,-0,1e+5,"\ud800\u00e9😀"]`, "\"\xff\"", "[\"\xed\xa0\x80\"]",
		`{"\ud800":1,"\ud801":2}`, `nulL`, `01`, `1.`, `{"a":1,}`, `[1,]`, "\ufeff{}", "1\x00",
		`[{"a":1,"a":1},2,{"b":[[[[]]]]}]`,
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
		if json.Unmarshal(text, &want); err == nil && s != want || err != nil &&
			!errors.Is(err, ErrSurrogate) {
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
	if json.Unmarshal(text, &want) != nil ||
		bytes.HasPrefix(bytes.TrimSpace(text), []byte("null")) {
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
			t.Fatalf("%s: element %d is %s, %v; alone %s, %v", text, i, e.Value.Bytes(), e.Err,
				alone.Bytes(), err)
		}
	}
}
