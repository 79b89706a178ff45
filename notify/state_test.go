package notify_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/logtest"
)

// sessionStore is a notify.SessionStore in memory.
type sessionStore map[string]notify.Session

func (s sessionStore) Load() []notify.Session { return slices.Collect(maps.Values(s)) }

func (s sessionStore) Save(changed []notify.Session, ended []string) error {
	for _, of := range changed {
		s[of.Key] = of
	}
	for _, key := range ended {
		delete(s, key)
	}
	return nil
}

func TestSessionStoreInMemory(t *testing.T) {
	t.Parallel()
	logtest.TestSessions(t, func(*testing.T) func() notify.SessionStore {
		s := sessionStore{}
		return func() notify.SessionStore { return s }
	})
}

// retainingLog is a log and its notify.RetainedStore in memory.
type retainingLog struct {
	notify.Log
	now    func() time.Time
	stored map[[2]string]*notify.Message
}

func (l *retainingLog) Append(ctx context.Context, messages []*notify.Message) error {
	err := l.Log.Append(ctx, messages)
	for _, m := range messages {
		if err == nil && m.Retain {
			l.stored[[2]string{m.Rooms[0], m.Type}] = m
		}
	}
	return err
}

func (l *retainingLog) Retained() []*notify.Message {
	maps.DeleteFunc(l.stored, func(_ [2]string, m *notify.Message) bool {
		return m.TTL > 0 && l.now().Sub(m.Timestamp) >= m.TTL
	})
	return slices.Collect(maps.Values(l.stored))
}

func (l *retainingLog) DeleteRetained(_ context.Context, room, kind string) error {
	delete(l.stored, [2]string{room, kind})
	return nil
}

func TestRetainedStoreInMemory(t *testing.T) {
	t.Parallel()
	logtest.TestRetained(t, func(_ *testing.T, now func() time.Time) func() logtest.RetainedLog {
		l := &retainingLog{notify.NewMemoryLog(), now, map[[2]string]*notify.Message{}}
		return func() logtest.RetainedLog { return logtest.RetainedLog{Log: l, RetainedStore: l} }
	})
}
