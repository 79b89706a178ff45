package sim

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// Whatever networks, disks and processes do, each client gets every acknowledged message of its
// channels once and in order, or a gap that says what is missing; and without a gap if everything
// is kept. ROOMCAST_SIM_SEED runs one seed, ROOMCAST_SIM_SEEDS says how many there are.
func TestSimulation(t *testing.T) {
	first, seeds := uint64(1), number(t, "ROOMCAST_SIM_SEEDS", seedsInShort)
	if servertest.Soaking() {
		seeds = number(t, "ROOMCAST_SIM_SEEDS", 10_000)
	}
	one := os.Getenv("ROOMCAST_SIM_SEED") != ""
	if one {
		first, seeds = number(t, "ROOMCAST_SIM_SEED", 1), 1
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // each run leaves some MB
	for seed := first; seed < first+seeds; seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			defer func() {
				if one || t.Failed() {
					t.Log("\n" + strings.Join(w.trace, "\n"))
				}
				if t.Failed() {
					t.Logf("seed %d fails; see it alone: make sim SEED=%d", seed, seed)
				}
			}()
			w.run()
		})
	}
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s is %q, expected a number", name, text)
	}
	return n
}
