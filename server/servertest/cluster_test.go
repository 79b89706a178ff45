package servertest

import (
	"testing"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

func TestSharedSessions(t *testing.T) {
	t.Parallel()
	logtest.TestSharedSessions(t, func(*testing.T) (one, other notify.SharedSessions) {
		s := NewSharedSessions()
		return s, s
	})
}
