package rooms

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest names, in bytes of UTF-8.
const (
	MaxType   = 128 // the type of a notification
	MaxName   = 200 // a room or channel
	MaxUserID = 128

	MaxNamespace   = 128
	MaxDisplayName = 256
)

// reserved are the types with a meaning of their own: Socket.IO's, EventSource's, and the control
// events and replies of Roomcast, of which a page may believe that the server sent them.
var reserved = []string{
	"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
	"open", "error",
	"connected", "disconnected", "gap", "recovery", "sync", "heartbeat", "overloaded",
	"connection-update", "pong", "room-joined", "room-left",
}

// NameError is the error for a name that breaks a rule. Its text is for the sender of the name.
type NameError struct {
	Field  string // where the name was given, such as "type" or "channels[2]"
	Reason string // what the name is and what is expected, without the field
	// Owned is true for a name that [CheckName] accepts and that only the server uses, see
	// [CheckChannel].
	Owned bool
}

// Error returns the field and the reason.
func (e *NameError) Error() string { return e.Field + ": " + e.Reason }

// CheckName checks a name of any kind: 1 to limit bytes of UTF-8 without control, format or
// line-separator characters (which can end a line of an event stream or a log, or hide in a name)
// and without space at either end. U+FFFD is not allowed, because decoders put it in place of all
// invalid text, such as half a surrogate pair: different names would become one. The joiners U+200C
// and U+200D are allowed, because words of some languages and many emoji need them. It returns a
// *[NameError] or nil.
func CheckName(field, s string, limit int) error {
	if s == "" {
		return refuse(field, "is empty, expected 1 to %d bytes", limit)
	}
	if len(s) > limit {
		return refuse(field, "is %d bytes long, expected at most %d", len(s), limit)
	}
	if !utf8.ValidString(s) {
		return refuse(field, "%s is not valid UTF-8", shown(s))
	}
	if first, _ := utf8.DecodeRuneInString(s); unicode.IsSpace(first) {
		return refuse(field, "%s starts with a space", shown(s))
	}
	if last, _ := utf8.DecodeLastRuneInString(s); unicode.IsSpace(last) {
		return refuse(field, "%s ends with a space", shown(s))
	}
	for _, r := range s {
		if r == utf8.RuneError {
			return refuse(field, "%s contains U+FFFD, which decoders put in place of invalid text",
				shown(s))
		}
		if hidden(r) {
			return refuse(field, "%s contains U+%04X, expected no control, format or line-separator character",
				shown(s), r)
		}
	}
	return nil
}

// CheckChannel checks the name of a channel that a client or a backend asks for: [CheckName] with
// [MaxName], not [All], no '#' (it separates the namespace), and not a server-owned room (user:…,
// client:…) or one that differs from it by case or width alone. The error of a name that is valid
// and not for clients is Owned: it is forbidden.
func CheckChannel(field, s string) error {
	if err := CheckName(field, s, MaxName); err != nil {
		return err
	}
	if s == All {
		return owned(field, `"*" means everyone, expected the name of a channel`)
	}
	if strings.Contains(s, "#") {
		return owned(field, "%s contains '#', which separates the namespace, expected a name without it",
			shown(s))
	}
	for _, prefix := range []string{userPrefix, clientPrefix} {
		if foldsTo(s, prefix) {
			return owned(field, "%s is owned by the server, expected no name that starts with %q",
				shown(s), prefix)
		}
	}
	return nil
}

// CheckNamespace checks the name of a Socket.IO namespace: "" or "/" is the root, all others are "/"
// and a name of at most [MaxNamespace] bytes without '#' and ','.
func CheckNamespace(s string) error {
	switch {
	case s == "" || s == "/":
		return nil
	case s[0] != '/':
		return refuse("namespace", "%s does not start with '/'", shown(s))
	case len(s) > MaxNamespace:
		return refuse("namespace", "is %d bytes long, expected at most %d", len(s), MaxNamespace)
	case !utf8.ValidString(s) || strings.ContainsAny(s, "#,"):
		return refuse("namespace", "%s contains '#', ',' or invalid UTF-8", shown(s))
	}
	return nil
}

// CheckUserID checks a user id: [CheckName] with [MaxUserID].
func CheckUserID(field, s string) error { return CheckName(field, s, MaxUserID) }

// DisplayName returns the name of a user as it can be shown: valid UTF-8, at most [MaxDisplayName]
// bytes, without space at either end, and without characters that end a line or turn the direction
// of the text around them. A display name is data, so no name is an error. The result may be "".
func DisplayName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp),
			r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > MaxDisplayName {
		end := MaxDisplayName
		for !utf8.RuneStart(s[end]) {
			end--
		}
		s = strings.TrimSpace(s[:end])
	}
	return s
}

// CheckType checks the type of a notification: [CheckName] with [MaxType], and not a name that
// Socket.IO, EventSource or Roomcast itself gives a meaning to, "auth:…" included.
func CheckType(s string) error {
	if err := CheckName("type", s, MaxType); err != nil {
		return err
	}
	if slices.Contains(reserved, s) || strings.HasPrefix(s, "auth:") {
		return refuse("type", "%s is reserved, choose another name", shown(s))
	}
	return nil
}

// refuse returns a *NameError.
func refuse(field, format string, args ...any) error {
	return &NameError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// owned is refuse for a name that only the server uses.
func owned(field, format string, args ...any) error {
	return &NameError{Field: field, Reason: fmt.Sprintf(format, args...), Owned: true}
}

// hidden reports whether r can break a line or cannot be seen. Besides Cc, Cf, Zl and Zp these are
// the letters and marks that Unicode draws as nothing: with them, two different names look the
// same.
func hidden(r rune) bool {
	if r == 0x200C || r == 0x200D {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) ||
		r == 0x034F || r == 0x115F || r == 0x1160 || r == 0x17B4 || r == 0x17B5 || r == 0x2800 ||
		r == 0x3164 || r == 0xFFA0
}

// foldsTo reports whether s starts with prefix (ASCII) when case and full-width forms are folded.
func foldsTo(s, prefix string) bool {
	for _, want := range prefix {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if r >= 0xFF01 && r <= 0xFF5E {
			r -= 0xFF01 - '!'
		}
		if r != want && !strings.EqualFold(string(r), string(want)) {
			return false
		}
	}
	return true
}

// shown quotes s for an error, shortened.
func shown(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
