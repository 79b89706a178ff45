package sse

import (
	"strings"
	"testing"
)

// A client id is random and unique.
func TestNewClientID(t *testing.T) {
	seen := map[string]bool{}
	letters := map[rune]bool{}
	for range 2000 {
		id := newClientID()
		const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		if len(id) != 20 || seen[id] || strings.Trim(id, allowed) != "" {
			t.Fatalf("%q", id)
		}
		seen[id] = true
		for _, c := range id {
			letters[c] = true
		}
	}
	if len(letters) != 62 {
		t.Errorf("%d different characters in 2000 ids", len(letters))
	}
}
