package rooms

import (
	"encoding/json"
	"testing"
)

func TestName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"a"`: "a", `42`: "42", `-1`: "-1", `0`: "0", `9007199254740992`: "9007199254740992", `"42"`: "42",
	} {
		var got Name
		if err := json.Unmarshal([]byte(raw), &got); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		`null`, `true`, `1.5`, `1e2`, `9007199254740993`, `-0`, `[1]`, `{}`, `1.0`,
	} {
		var got Name
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s is accepted as %q", raw, got)
		}
	}
}

// A string is no number, and finding that out costs no memory: a publish may name 1,000 clients.
func TestStringIsNoNumber(t *testing.T) {
	raw := []byte(`"00000000000000000042"`)
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := Number(raw); ok {
			t.Error("it is a number")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
