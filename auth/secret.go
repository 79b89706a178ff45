package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
)

// Secret is a key or password. Printing, logging and encoding it yields ***. Only a conversion to
// []byte or string gives the bytes, and such conversions are easy to find.
type Secret []byte

const redacted = "***"

// Equal reports whether s equals the secret that a client sent. The time it takes depends neither
// on the position of the first difference nor on the length: it compares hashes. An empty Secret
// equals nothing.
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
