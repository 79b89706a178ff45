package notify_test

import (
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

func TestMemoryLog(t *testing.T) {
	t.Parallel()
	logtest.Test(t, func(*testing.T) notify.Log { return notify.NewMemoryLog() })
}

func TestMemoryLogsHaveDifferentEpochs(t *testing.T) {
	t.Parallel()
	if a, b := notify.NewMemoryLog().Head(), notify.NewMemoryLog().Head(); a == b {
		t.Fatalf("two logs of epoch %08x", a.Epoch)
	}
}
