package notify

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
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
		{ID{0xfffffffe, 9999999999999999}, "fffffffe-9999999999999999"},
		{ID{StreamEpoch, 0}, "ffffffff-0"},
		{ID{StreamEpoch, 1764201600000<<22 | 3}, "1764201600000-3"},
		{ID{StreamEpoch, 1764201600000<<22 | 1<<22 - 1}, "1764201600000-4194303"},
		{ID{StreamEpoch, 1000000000000 << 22}, "1000000000000-0"},
		{ID{StreamEpoch, 1<<64 - 1}, "4398046511103-4194303"},
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
		"5f3a9c01_1", "5f3a9c0-11", "ffffffff-1", "ffffffff-9999999999999999",
		"1764201600000-", "1764201600000-00", "1764201600000-01", "1764201600000-4194304",
		"1764201600000-10000000", "0764201600000-1", "176420160000-1", "17642016000000-1",
		"176420160000a-1", "1764201600000-a", "1764201600000-+1", "4398046511104-0", "9999999999999-0",
		"1764201600000-1 ", "1764201600000--1", "1764201600000",
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

// idPattern matches ids; those of a stream must fit into an ID, too.
var idPattern = regexp.MustCompile(
	`^([0-9a-f]{8}-(0|[1-9][0-9]{0,15})|([1-9][0-9]{12})-(0|[1-9][0-9]{0,6}))$`)

// isID is ParseID by the pattern.
func isID(s string) bool {
	parts := idPattern.FindStringSubmatch(s)
	switch {
	case parts == nil:
		return false
	case parts[3] != "":
		ms, _ := strconv.Atoi(parts[3])
		n, _ := strconv.Atoi(parts[4])
		return ms < 1<<42 && n < 1<<22
	}
	return !strings.HasPrefix(s, "ffffffff-") || s == "ffffffff-0"
}

// The ids of entries of a stream have the order of the entries, and their text is that of the entry.
func TestStreamIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Uint64Range(minStreamMS, 1<<42-1)
		n := rapid.Uint64Range(0, 1<<22-1)
		ms1, n1 := ms.Draw(t, "ms"), n.Draw(t, "n")
		ms2, n2 := ms.Draw(t, "other ms"), n.Draw(t, "other n")
		if rapid.Bool().Draw(t, "same ms") {
			ms2 = ms1
		}
		id, ok := StreamID(ms1, n1)
		other, okOther := StreamID(ms2, n2)
		if !ok || !okOther || id.Epoch != StreamEpoch || other.Epoch != StreamEpoch {
			t.Fatalf("%v %v, %v %v", id, ok, other, okOther)
		}
		if got, want := cmp.Compare(id.Seq, other.Seq), cmp.Or(cmp.Compare(ms1, ms2),
			cmp.Compare(n1, n2)); got != want {
			t.Fatalf("%v compares with %v as %d, want %d", id, other, got, want)
		}
		if text := id.String(); text != fmt.Sprintf("%d-%d", ms1, n1) {
			t.Fatalf("the text of %d-%d is %s", ms1, n1, text)
		}
		if again, err := ParseID(id.String()); again != id || err != nil {
			t.Fatalf("%v became %v, %v", id, again, err)
		}
	})
	for _, entry := range [][2]uint64{{0, 0}, {0, 1}, {minStreamMS - 1, 0}, {1 << 42, 0}, {minStreamMS, 1 << 22}} {
		if id, ok := StreamID(entry[0], entry[1]); ok || id != (ID{}) {
			t.Errorf("StreamID(%v) = %v, %v", entry, id, ok)
		}
	}
}

// A log that is not a stream never has the epoch of the streams.
func TestEpochOfMemoryLog(t *testing.T) {
	t.Parallel()
	for random, want := range map[uint32]uint32{0: 1, 6: 7, 7: 7, StreamEpoch - 1: 1, StreamEpoch: 1} {
		if got := memoryEpoch(random); got != want {
			t.Errorf("memoryEpoch(%x) = %x, want %x", random, got, want)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"", "0", "5f3a9c01-1042", "00000000-0", "ffffffff-9999999999999999",
		"5f3a9c01-01", "5F3A9C01-1", "5f3a9c01-1\n", "ffffffff-0", "1764201600000-3",
		"1764201600000-4194304", "4398046511104-0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if valid := isID(s); valid != (err == nil) {
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
		"0", "", "-1", "5f3a9c01-3", "00000001-18446744073709551615", "\xff", "1764201600000-3",
	} {
		f.Add(s)
	}
	h := newHub(f, Options{})
	f.Fuzz(func(t *testing.T, s string) {
		c := ParseCursor(s)
		valid := isID(s)
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
