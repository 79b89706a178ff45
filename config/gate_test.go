package config

import (
	"testing"

	"github.com/roomcast/roomcast/server/limit"
)

// A rate that nobody has set is a floor and the pace of a stop; one that is set is strict, and
// DRAIN_TIMEOUT alone decides about a stop.
func TestHandshakeRate(t *testing.T) {
	t.Parallel()
	standard := limit.HandshakeRate()
	for _, c := range []struct {
		set           map[string]string
		rate          int
		strict        bool
		closesEachSec int
	}{
		{nil, standard, false, standard},
		{map[string]string{"HANDSHAKE_RATE": "70"}, 70, true, 70},
		{map[string]string{"HANDSHAKE_RATE": "0"}, 0, true, standard},
		{map[string]string{"DRAIN_TIMEOUT": "10s"}, standard, false, 0},
	} {
		got, err := Load(nil, env(c.set).lookup, nil)
		if err != nil {
			t.Fatal(err)
		}
		rate, strict := got.Gate()
		if rate != c.rate || strict != c.strict || got.DrainRate() != c.closesEachSec {
			t.Errorf("%v: %d, strict %v, drain %d, want %+v", c.set, rate, strict, got.DrainRate(), c)
		}
	}
}
