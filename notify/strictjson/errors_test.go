package strictjson

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		strings.Repeat("x", 64):       strings.Repeat("x", 64),
		strings.Repeat("x", 65):       strings.Repeat("x", 64) + "…",
		strings.Repeat("é", 40):       strings.Repeat("é", 32) + "…",
		"x" + strings.Repeat("é", 40): "x" + strings.Repeat("é", 31) + "…",
	} {
		if got := Shorten(s); got != want {
			t.Errorf("Shorten(%s) = %s", s, got)
		}
	}
}

func TestErrorIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, name, want string }{
		{"", "data", "data: bad"}, {"a", "data", "data.a: bad"},
		{"[3].a", "data", "data[3].a: bad"},
		{"", "", "bad"}, {"a", "", "a: bad"}, {"[3]", "[1]", "[1][3]: bad"},
	} {
		if got := (&Error{Path: c.path, Reason: "bad"}).In(c.name).Error(); got != c.want {
			t.Errorf("%q in %q: %s, want %s", c.path, c.name, got, c.want)
		}
	}
}

func TestErrorStaysShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`{"`+strings.Repeat("k", 10_000)+`":`, 32) + `[]` +
		strings.Repeat("}", 32)
	_, err := Check([]byte(long), Rules{Depth: 32})
	if err == nil || len(err.Error()) > 3000 {
		t.Fatalf("error of %d bytes", len(err.Error()))
	}
}
