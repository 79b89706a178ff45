package servertest

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, and fails if a goroutine outlives them. Call it from TestMain.
// Tests wait for timers and sockets most of the time, so up to 8 of them run in parallel.
func Main(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8")
	}
	goleak.VerifyTestMain(m)
}

// Soaking reports whether tests run in their long form, as in make soak.
func Soaking() bool { return os.Getenv("ROOMCAST_SOAK") != "" }

// Soaked returns n, or 20 times n in make soak. Tests use it for numbers of repetitions.
func Soaked(n int) int {
	if Soaking() {
		return 20 * n
	}
	return n
}
