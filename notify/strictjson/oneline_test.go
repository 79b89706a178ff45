package strictjson

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "\n": "", " 1 ": " 1 ", "\n1\r\n": "1",
		`{"a": 1.0, "b" : [ ] }`:                     `{"a": 1.0, "b" : [ ] }`,
		"{\n  \"a\": 1.0,\n  \"b\": [1, 2]\n}":       `{"a":1.0,"b":[1,2]}`,
		"{\r\n\t\"a b\" : \" \\\"\\\\\" ,\r\"\":-0}": `{"a b":" \"\\","":-0}`,
		"[\n\"\u2028 \\n\", 1E5, true ]":             "[\"\u2028 \\n\",1E5,true]",
		"[\n\"no end \\":                             `["no end \`,
	} {
		got := string(OneLine([]byte(text)))
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	plain := []byte(`{"a": 1}`)
	if got := OneLine(plain); &got[0] != &plain[0] {
		t.Error("a text without line breaks is copied")
	}
}

// FuzzOneLine: the result of valid JSON with line breaks is that of encoding/json, and no text has
// a line break afterwards, except in a string that no JSON has.
func FuzzOneLine(f *testing.F) {
	for _, text := range []string{"{\n\"a\" : 1 }", "[\r\"\\\"\", 2]", "\"", "\n\"\\", "\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := OneLine(text)
		if !json.Valid(text) {
			return
		}
		if !bytes.ContainsAny(text, "\r\n") {
			if !bytes.Equal(got, text) {
				t.Fatalf("%q became %q", text, got)
			}
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, text); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%q: %q, want %q, %v", text, got, want.Bytes(), err)
		}
	})
}
