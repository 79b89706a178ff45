package auth

import (
	"errors"
	"strings"
)

// Scope says what an API key may be used for: patterns over what a request is about, which is written "user:u1",
// "channel:orders", "client:<clientId>" or "all". A star in a pattern stands for any run of characters. The zero
// Scope allows nothing.
type Scope []string

// ErrAPIKey is returned by ParseAPIKey. Its text does not hold the key.
var ErrAPIKey = errors.New("an API key is written key, or key:pattern with a pattern such as user:*, channel:orders-*, client:*, all or *")

// ParseAPIKey splits an entry of API_KEYS into the key and its pattern; a key without one gets "*". Only known forms
// are let through: a mistyped pattern must not make a key that may do everything.
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

// Everything reports whether the scope covers all there is, which is what lists of everything need.
func (s Scope) Everything() bool {
	for _, pattern := range s {
		if strings.Trim(pattern, "*") == "" {
			return true
		}
	}
	return false
}
