package cluster_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/roomcast/roomcast/notify/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A node without others asks nobody, and is never its own listener.
func TestAlone(t *testing.T) {
	t.Parallel()
	var bus cluster.Bus = cluster.Alone{}
	bus.Handle("kind", func(string, []byte) []byte { t.Error("called"); return nil })
	answers, silent, err := bus.Ask(t.Context(), "kind", nil)
	if len(answers) != 0 || len(silent) != 0 || err != nil {
		t.Errorf("%v %v %v", answers, silent, err)
	}
	if err := bus.Tell(t.Context(), "kind", nil); err != nil {
		t.Error(err)
	}
}
