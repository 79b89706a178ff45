package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Secret is a key or password. Whatever prints, logs or encodes it gets ***; a conversion to []byte or string is the
// one way to the bytes, and easy to search for.
type Secret []byte

const redacted = "***"

// Equal reports whether s is the secret that a client showed, in a time that tells nothing about how far they agree:
// both sides are hashed to one length first, so that not even the length shows. An empty Secret equals nothing.
func (s Secret) Equal(shown string) bool {
	want, got := sha256.Sum256(s), sha256.Sum256([]byte(shown))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && len(s) > 0
}

// String returns ***.
func (s Secret) String() string { return redacted }

// GoString returns ***, for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes *** for every verb, %x and %d included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON returns "***".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
