package auth

import (
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The token is that which net/http finds, and no other header shows it.
func TestCookies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{
			CookieName + "=secret1", CookieName + "=secret2", " " + CookieName + ` = "secret3"`,
			CookieName + "=", CookieName, CookieName + "=secret\\", "\t" + CookieName + "\t=\tsecret4",
			"theme=dark", "x", "=y", "", "a b=c", "x" + CookieName + "=other", `q="1"`,
		}))
		var lines []string
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			lines = append(lines, strings.Join(parts.Draw(t, "parts"), rapid.SampledFrom(
				[]string{"; ", ";", " ;\t"}).Draw(t, "separator")))
		}
		r := &http.Request{Header: http.Header{"Cookie": lines}}
		want := ""
		if cookie, err := r.Cookie(CookieName); err == nil {
			want = cookie.Value
		}
		if got := cookieToken(lines); got != want {
			t.Errorf("token %q, want %q", got, want)
		}
		others := WithoutCookie(lines)
		if strings.Contains(others, "secret") {
			t.Errorf("%q has a token", others)
		}
		clean := &http.Request{Header: http.Header{"Cookie": {others}}}
		for _, c := range r.Cookies() {
			if c.Name == CookieName {
				continue
			}
			if kept, err := clean.Cookie(c.Name); err != nil || kept.Value == "" && c.Value != "" {
				t.Errorf("%s is lost: %q", c.Name, others)
			}
		}
	})
}

// A header of 16 KB costs about as much as it has bytes.
func BenchmarkCookies(b *testing.B) {
	for name, line := range map[string]string{
		"tokens": strings.Repeat(CookieName+"=a; ", 1000), "others": strings.Repeat("a=b; ", 3000),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = cookieToken([]string{line})
				_ = WithoutCookie([]string{line})
			}
		})
	}
}
