package auth

import (
	"fmt"
	"net/http/httptest"
	"runtime"
	"testing"
)

// No token allocates more than 64 KB, whatever its content (CVE-2025-30204).
func TestTokenAllocations(t *testing.T) {
	a := newAuth(t, Options{Secret: testSecret})
	for name, token := range hugeTokens(t) {
		t.Run(name, func(t *testing.T) {
			each := allocated(func() { _, _ = try(a, Credentials{Token: token}, SocketIO) })
			if each >= 64<<10 {
				t.Errorf("%d bytes allocated, want less than %d", each, 64<<10)
			}
		})
	}
}

// allocated returns the bytes that one call of f allocates.
func allocated(f func()) uint64 {
	const runs = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// A query of 16 KiB, which is the limit, costs a multiple of its size, whatever it repeats.
func TestQueryAllocations(t *testing.T) {
	for _, name := range []string{"userId", "channels", "as", "token", "since", "username", "x"} {
		for _, format := range []string{"&" + name + "=%d", "%d,"} {
			query := name + "="
			for i := 0; len(query) < 15<<10; i++ {
				query += fmt.Sprintf(format, i)
			}
			made := httptest.NewRequest("GET", "/sse?"+query, nil)
			if each := allocated(func() { FromRequest(made) }); each >= 64*15<<10 {
				t.Errorf("%.20s…: %d bytes allocated", query, each)
			}
		}
	}
}
