package auth

import (
	"iter"
	"net/http"
	"strings"
)

// CookieName is the name of the cookie that may hold a token.
const CookieName = "auth_token"

// WithoutCookie returns a Cookie header without the cookies that hold a token.
func WithoutCookie(lines []string) string {
	var kept strings.Builder
	for name, part := range cookies(lines) {
		if name == CookieName {
			continue
		}
		if kept.Len() > 0 {
			kept.WriteString("; ")
		}
		kept.WriteString(part)
	}
	return kept.String()
}

// cookieToken returns the token of the first cookie that may hold one and is valid. It does what
// http.Request.Cookie does, which makes an object of every such cookie.
func cookieToken(lines []string) string {
	for name, part := range cookies(lines) {
		if name != CookieName {
			continue
		}
		if part == name { // an empty value
			return ""
		}
		if parsed, err := http.ParseCookie(part); err == nil {
			return parsed[0].Value
		}
	}
	return ""
}

// cookies returns the names and the texts of the cookies in the lines of a header.
func cookies(lines []string) iter.Seq2[string, string] {
	return func(yield func(name, part string) bool) {
		for _, line := range lines {
			for part := range strings.SplitSeq(line, ";") {
				part = strings.Trim(part, " \t")
				name, _, _ := strings.Cut(part, "=")
				if part != "" && !yield(strings.TrimRight(name, " \t"), part) {
					return
				}
			}
		}
	}
}
