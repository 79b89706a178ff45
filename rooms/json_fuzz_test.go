package rooms

import (
	"encoding/json"
	"strconv"
	"testing"
)

// FuzzNames: a list of names in JSON has only strings and whole numbers, and a number keeps its
// digits.
func FuzzNames(f *testing.F) {
	for _, text := range []string{
		`["a","b"]`, `[7]`, `[-7,0]`, `[9007199254740993]`, `[1.0]`, `[1e3]`, `[null]`, `[{}]`, `[[]]`,
		`["\ud800"]`, `["user:x"]`, `[""]`, `[true]`, `null`, `"a"`, `[01]`, `[-0]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var names []Name
		if json.Unmarshal(text, &names) != nil {
			return
		}
		var values []any
		if err := json.Unmarshal(text, &values); err != nil || len(values) != len(names) {
			t.Fatalf("%s became %q, and %v", text, names, err)
		}
		for i, value := range values {
			switch v := value.(type) {
			case string:
				if string(names[i]) != v {
					t.Fatalf("%q became %q", v, names[i])
				}
			case float64:
				if n, err := strconv.ParseInt(string(names[i]), 10, 64); err != nil ||
					float64(n) != v {
					t.Fatalf("%v became %q", v, names[i])
				}
			default:
				t.Fatalf("%s became %q", text, names)
			}
		}
	})
}
