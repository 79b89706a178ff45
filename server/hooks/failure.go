package hooks

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Failure is why a request of a hook had no usable answer.
type Failure struct {
	Outcome string // for metrics: "unreachable", "timeout", "status", "invalid", "refused", "busy"
	Reason  string // for the log
}

func (f *Failure) Error() string { return f.Reason }

func failed(outcome, format string, args ...any) *Failure {
	return &Failure{outcome, fmt.Sprintf(format, args...)}
}

// faults logs what goes wrong, at most once a minute for each hook, URL and outcome: a handler that is
// down fails thousands of times a second.
type faults struct {
	log *zap.Logger
	now func() time.Time

	mu   sync.Mutex
	seen map[string]*fault
}

type fault struct {
	logged time.Time
	silent int // since then
}

const faultInterval = time.Minute

func (f *faults) note(hook, address string, failure *Failure) {
	f.mu.Lock()
	key := hook + " " + address + " " + failure.Outcome
	if f.seen == nil {
		f.seen = make(map[string]*fault)
	}
	seen := f.seen[key]
	if seen == nil {
		seen = new(fault)
		f.seen[key] = seen
	}
	now := f.now()
	if !seen.logged.IsZero() && now.Sub(seen.logged) < faultInterval {
		seen.silent++
		f.mu.Unlock()
		return
	}
	silent := seen.silent
	seen.logged, seen.silent = now, 0
	f.mu.Unlock()
	f.log.Warn("hook failed", zap.String("hook", hook), zap.String("url", ShowURL(address)),
		zap.String("outcome", failure.Outcome), zap.String("reason", failure.Reason),
		zap.Int("not_logged", silent))
}
