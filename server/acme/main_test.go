package acme

import (
	"testing"

	"go.uber.org/goleak"
)

// A lock of certmagic's storage has a goroutine, which notices within five seconds that the lock was
// given up.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"))
}
