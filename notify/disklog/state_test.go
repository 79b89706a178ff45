package disklog

import (
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

// processes returns a function that opens one directory again and again: each call is the next
// process. The test closes the last one.
func processes(t *testing.T, change func(*Options)) func() *Store {
	dir := t.TempDir()
	var s *Store
	t.Cleanup(func() {
		if s != nil {
			closed(t, s)
		}
	})
	return func() *Store {
		if s != nil {
			closed(t, s)
		}
		s = open(t, dir, change)
		return s
	}
}

func TestSessionStore(t *testing.T) {
	t.Parallel()
	logtest.TestSessions(t, func(t *testing.T) func() notify.SessionStore {
		next := processes(t, nil)
		return func() notify.SessionStore { return next().Sessions() }
	})
}

func TestRetainedStore(t *testing.T) {
	t.Parallel()
	logtest.TestRetained(t, func(t *testing.T, now func() time.Time) func() logtest.RetainedLog {
		next := processes(t, func(o *Options) { o.Now = now })
		return func() logtest.RetainedLog {
			s := next()
			return logtest.RetainedLog{Log: s.Log(), RetainedStore: s.Retained()}
		}
	})
}
