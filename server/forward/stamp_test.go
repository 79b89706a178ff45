package forward

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testSecret = []byte("a secret of 32 bytes, for tests.")

// TestStampExactBytes fixes the header, which nodes of different versions exchange.
func TestStampExactBytes(t *testing.T) {
	t.Parallel()
	s := stamp{sender: "ABCDEFGHIJKLMNOP", count: 7, at: time.UnixMilli(1_800_000_000_123),
		client: netip.MustParseAddr("2001:db8::1")}
	const want = "1 ABCDEFGHIJKLMNOP 7 1800000000123 2001:db8::1 " +
		"EdyiYD5pFgmBzuNf2R7PfqrO9UO3uKyatYtFlUILsL0"
	if got := s.signed(testSecret, "GET", "/socket.io/?sid=a"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestStampIsReadAsWritten signs and verifies requests, and changes each part of them.
func TestStampIsReadAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := stamp{
			sender: rapid.StringMatching(`[A-Z2-7]{16}`).Draw(t, "sender"),
			count:  rapid.Uint64().Draw(t, "count"),
			at:     time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "ms")),
		}
		if b := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "address"); len(b) == 16 || len(b) == 4 {
			s.client, _ = netip.AddrFromSlice(b)
		}
		method := rapid.SampledFrom([]string{"GET", "POST"}).Draw(t, "method")
		uri := "/" + rapid.StringMatching(`[a-z?&=%0-9]{0,40}`).Draw(t, "uri")
		header := s.signed(testSecret, method, uri)
		got, err := verify(header, testSecret, method, uri)
		if err != nil || got != s {
			t.Fatalf("%s: %+v, %v, want %+v", header, got, err, s)
		}
		other := []byte("another secret of 32 bytes, for…")
		i := rapid.IntRange(0, len(header)-1).Draw(t, "changed")
		changed := header[:i] + string(header[i]^1) + header[i+1:]
		for _, c := range []struct {
			header, method, uri string
			secret              []byte
		}{
			{header, method, uri, other}, {header, method + "x", uri, testSecret},
			{header, method, uri + "x", testSecret}, {changed, method, uri, testSecret},
		} {
			if _, err := verify(c.header, c.secret, c.method, c.uri); err == nil {
				t.Fatalf("accepted: %+v", c)
			}
		}
	})
}

func FuzzStamp(f *testing.F) {
	valid := stamp{sender: "ABCDEFGHIJKLMNOP", count: 7, at: time.UnixMilli(1)}
	for _, header := range []string{
		"", "1", valid.signed(testSecret, "GET", "/"), "1 ABCDEFGHIJKLMNOP -7 1 - AA",
		"1 ABCDEFGHIJKLMNOP 7 99999999999999999999 - AA", "1 ABCDEFGHIJKLMNOP 7 1 10.0.0 AA",
		strings.Repeat("1 ", 1000),
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		s, err := verify(header, testSecret, "GET", "/")
		if err == nil && s.signed(testSecret, "GET", "/") != header {
			t.Errorf("%q is read as %+v", header, s)
		}
	})
}
