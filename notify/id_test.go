package notify

import (
	"regexp"
	"testing"
)

func TestID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   ID
		text string
	}{
		{ID{0x5f3a9c01, 1042}, "5f3a9c01-1042"},
		{ID{1, 0}, "00000001-0"},
		{ID{}, "00000000-0"},
		{ID{0xffffffff, 9999999999999999}, "ffffffff-9999999999999999"},
	} {
		if got := c.id.String(); got != c.text {
			t.Errorf("%#v.String() = %q, want %q", c.id, got, c.text)
		}
		if got, err := ParseID(c.text); got != c.id || err != nil {
			t.Errorf("ParseID(%q) = %v, %v", c.text, got, err)
		}
	}
	if got := string(ID{0x5f3a9c01, 7}.AppendTo([]byte("id: "))); got != "id: 5f3a9c01-7" {
		t.Errorf("AppendTo = %q", got)
	}
}

func TestParseIDIsStrict(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "0", "5f3a9c01", "5f3a9c01-", "5f3a9c01-01", "5f3a9c01--1", "5f3a9c01-+1", "5F3A9C01-1",
		"5f3a9c0g-1",
		" 5f3a9c01-1", "5f3a9c01-1 ", "5f3a9c01-1\n", "5f3a9c01-00", "5f3a9c01-99999999999999999",
		"5f3a9c01_1", "5f3a9c0-11",
	} {
		if id, err := ParseID(s); err == nil || id != (ID{}) {
			t.Errorf("ParseID(%q) = %v, %v", s, id, err)
		}
	}
	_, err := ParseID("nonsense")
	if err.Error() != `id "nonsense": expected 8 hexadecimal digits, '-' and a number` {
		t.Errorf("error %q", err)
	}
}

func TestParseCursor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Cursor
	}{
		{"0", Cursor{All: true}},
		{"5f3a9c01-7", Cursor{ID: ID{0x5f3a9c01, 7}}},
		{"", Cursor{Invalid: true}},
		{"00", Cursor{Invalid: true}},
		{"5f3a9c01-07", Cursor{Invalid: true}},
	} {
		if got := ParseCursor(c.text); got != c.want {
			t.Errorf("ParseCursor(%q) = %+v, want %+v", c.text, got, c.want)
		}
	}
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$`)

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"", "0", "5f3a9c01-1042", "00000000-0", "ffffffff-9999999999999999",
		"5f3a9c01-01", "5F3A9C01-1", "5f3a9c01-1\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if valid := idPattern.MatchString(s); valid != (err == nil) {
			t.Fatalf("ParseID(%q): %v, the pattern matches: %v", s, err, valid)
		}
		if err == nil && id.String() != s {
			t.Fatalf("%q became %q", s, id)
		}
	})
}

// FuzzParseCursor: every text of a client becomes a cursor of exactly one kind, with which Attach
// succeeds.
func FuzzParseCursor(f *testing.F) {
	for _, s := range []string{
		"0", "", "-1", "5f3a9c01-3", "00000001-18446744073709551615", "\xff",
	} {
		f.Add(s)
	}
	h := newHub(f, Options{})
	f.Fuzz(func(t *testing.T, s string) {
		c := ParseCursor(s)
		valid := idPattern.MatchString(s)
		if c.All != (s == "0") || c.Invalid != (!valid && s != "0") ||
			valid != (!c.Invalid && !c.All) {
			t.Fatalf("ParseCursor(%q) = %+v", s, c)
		}
		m := attach(t, h, Attachment{ClientID: "x", Resume: &c})
		defer m.Detach()
		got := pull(m)
		if last := got[len(got)-1]; last.Recovery == nil || last.Recovery.To != h.Head().String() {
			t.Fatalf("cursor %q: last delivery %+v", s, last)
		}
	})
}
