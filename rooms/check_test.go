package rooms

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckAcceptsNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"chat message", "auth0|5f7", "john+tag@x.com", "a", "A.b_c-d", "naïve", "日本語", "🚀", "team-7/eu", "user",
		"users:1", "xuser:1", "user%3A42", "open mode", "emoji ❤", "نام\u200cکاربر", "👨\u200d👩\u200d👧", strings.Repeat("x", MaxType),
	} {
		for rule, err := range map[string]error{
			"CheckName":    CheckName("name", name, MaxName),
			"CheckChannel": CheckChannel("channel", name),
			"CheckUserID":  CheckUserID("userId", name),
			"CheckType":    CheckType(name),
		} {
			if err != nil {
				t.Errorf("%s(%q) = %v", rule, name, err)
			}
		}
	}
}

func TestCheckChannelRejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"", `channel: is empty, expected 1 to 200 bytes`},
		{strings.Repeat("x", 201), `channel: is 201 bytes long, expected at most 200`},
		{"a\xff", `channel: "a\xff" is not valid UTF-8`},
		{"a\xed\xa0\x80", `channel: "a\xed\xa0\x80" is not valid UTF-8`},
		{"a\ufffd", "channel: \"a\ufffd\" contains U+FFFD, which decoders put in place of invalid text"},
		{" a", `channel: " a" starts with a space`},
		{"a ", `channel: "a " ends with a space`},
		{"a\u00a0", `channel: "a\u00a0" ends with a space`},
		{"\u3000a", `channel: "\u3000a" starts with a space`},
		{"\n", `channel: "\n" starts with a space`},
		{"a\nb", `channel: "a\nb" contains U+000A, expected no control, format or line-separator character`},
		{"a\rb", `channel: "a\rb" contains U+000D, expected no control, format or line-separator character`},
		{"a\x00b", `channel: "a\x00b" contains U+0000, expected no control, format or line-separator character`},
		{"a\u0085b", `channel: "a\u0085b" contains U+0085, expected no control, format or line-separator character`},
		{"a\u2028b", `channel: "a\u2028b" contains U+2028, expected no control, format or line-separator character`},
		{"a\u2029b", `channel: "a\u2029b" contains U+2029, expected no control, format or line-separator character`},
		{"a\ufeffb", `channel: "a\ufeffb" contains U+FEFF, expected no control, format or line-separator character`},
		{"a\u200bb", `channel: "a\u200bb" contains U+200B, expected no control, format or line-separator character`},
		{"a\u202eb", `channel: "a\u202eb" contains U+202E, expected no control, format or line-separator character`},
		{"a\u3164b", "channel: \"a\u3164b\" contains U+3164, expected no control, format or line-separator character"},
		{"*", `channel: "*" means everyone, expected the name of a channel`},
		{"a#b", `channel: "a#b" contains '#', which separates the namespace, expected a name without it`},
		{"user:42", `channel: "user:42" is owned by the server, expected no name that starts with "user:"`},
		{"client:x", `channel: "client:x" is owned by the server, expected no name that starts with "client:"`},
		{"USER:42", `channel: "USER:42" is owned by the server, expected no name that starts with "user:"`},
		{"uſer:42", `channel: "uſer:42" is owned by the server, expected no name that starts with "user:"`},
		{"ｕser：42", `channel: "ｕser：42" is owned by the server, expected no name that starts with "user:"`},
		{"user:", `channel: "user:" is owned by the server, expected no name that starts with "user:"`},
	} {
		err := CheckChannel("channel", c.name)
		var name *NameError
		if !errors.As(err, &name) || name.Field != "channel" || err.Error() != c.want {
			t.Errorf("CheckChannel(%q)\n got %v\nwant %s", c.name, err, c.want)
		}
	}
}

func TestCheckTypeRejects(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener", "open", "error",
		"connected", "gap", "recovery", "sync", "heartbeat", "overloaded", "disconnected",
		"connection-update", "pong", "room-joined", "room-left", "auth:", "auth:expired", "auth:mine",
	} {
		err := CheckType(name)
		if want := `type: "` + name + `" is reserved, choose another name`; err == nil || err.Error() != want {
			t.Errorf("CheckType(%q) = %v, want %s", name, err, want)
		}
	}
	if err := CheckType(strings.Repeat("x", 129)); err == nil || err.Error() != "type: is 129 bytes long, expected at most 128" {
		t.Errorf("129 bytes: %v", err)
	}
	if err := CheckUserID("userId", strings.Repeat("x", 129)); err == nil || err.Error() != "userId: is 129 bytes long, expected at most 128" {
		t.Errorf("129 bytes: %v", err)
	}
}

func TestErrorIsShort(t *testing.T) {
	t.Parallel()
	err := CheckName("type", strings.Repeat("\x00", 1<<20), 1<<21)
	if err == nil || len(err.Error()) > 400 {
		t.Fatalf("error of %d bytes", len(err.Error()))
	}
}

// FuzzCheckName: a name that passes can be written to an event stream and to a log without escapes.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"", "a", " a", "a\n", "a\u2028b", "user:1", "Uſer:1", "*", "a#b", "\xff", "ｃlient:1", "auth:x", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckName("f", s, MaxName) != nil {
			if CheckChannel("f", s) == nil || CheckType(s) == nil && len(s) <= MaxType {
				t.Fatalf("%q passes a stricter rule", s)
			}
			return
		}
		if s == "" || len(s) > MaxName || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x00\u0085\u2028\u2029\ufeff\u200b") ||
			strings.TrimSpace(s) != s {
			t.Fatalf("%q passes", s)
		}
		if CheckChannel("f", s) == nil {
			lower := strings.ToLower(s)
			if !IsChannel(s) || strings.HasPrefix(lower, "user:") || strings.HasPrefix(lower, "client:") || In("/", s) != s {
				t.Fatalf("%q passes as a channel", s)
			}
		}
	})
}
