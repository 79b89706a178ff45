package auth

import (
	"errors"
	"strings"
)

// Scope limits an API key to targets. Each of its patterns is matched against the target of a
// request, which is written "user:u1", "channel:orders", "client:<clientId>" or "all". A star in a
// pattern matches any run of characters. The zero Scope allows nothing.
type Scope []string

// ErrAPIKey is returned by ParseAPIKey. Its text does not contain the key.
var ErrAPIKey = errors.New("expected key or key:pattern, with a pattern such as " +
	"user:*, channel:orders-*, client:*, all or *")

// ParseAPIKey splits an entry of API_KEYS into the key and its pattern; a key without a pattern
// gets "*". ParseAPIKey refuses any other form, because a mistyped pattern must not allow
// everything.
func ParseAPIKey(entry string) (key Secret, pattern string, err error) {
	name, pattern, limited := strings.Cut(entry, ":")
	if !limited {
		pattern = "*"
	}
	if name == "" || !validScope(pattern) {
		return nil, "", ErrAPIKey
	}
	return Secret(name), pattern, nil
}

func validScope(pattern string) bool {
	if pattern == "*" || pattern == "all" {
		return true
	}
	kind, name, ok := strings.Cut(pattern, ":")
	return ok && name != "" && (kind == "user" || kind == "channel" || kind == "client")
}

// Allows reports whether the scope covers subject.
func (s Scope) Allows(subject string) bool { return patterns(s).match(subject) }

// Everything reports whether the scope covers every target. Requests that list everything need it.
func (s Scope) Everything() bool {
	for _, pattern := range s {
		if strings.Trim(pattern, "*") == "" {
			return true
		}
	}
	return false
}
