package edge

import (
	"errors"
	"net/http"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// The lines about refusals, which anybody can cause, have a rate. Those about actions need a key.
const (
	refusedRate  = 10 // lines per second
	refusedBurst = 50
)

// Audit writes a line for each action of a backend or an operator that changes something, and for
// each that was refused. Any goroutine may call its methods. A nil *Audit writes nothing.
type Audit struct {
	log     *zap.Logger
	refused *rate.Limiter
	silent  atomic.Uint64 // refusals without a line
}

// Action is what an Audit writes. It has names of users, channels and clients, and no secret.
type Action struct {
	Name   string // such as "disconnectUser"
	Actor  string // "api", "admin", "signal" for one of the system, or "file" for one that was replaced
	Key    string // which API key: the first four hex digits of its SHA-256; "" for no API key
	Target string // such as "user:u1"
	Count  int    // of what was changed; negative: not known
	Err    error  // why it was refused, or failed

	Fields []zap.Field // of some actions
}

// NewAudit returns an Audit that writes to log, at level info.
func NewAudit(log *zap.Logger) *Audit {
	return &Audit{log: log, refused: rate.NewLimiter(refusedRate, refusedBurst)}
}

// IsRefusal reports whether an error says that the caller may not do something.
func IsRefusal(err error) bool {
	if err == nil {
		return false
	}
	switch ProblemOf(err).Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return false
}

// Note writes an action. r is its request; nil: it has none.
func (a *Audit) Note(r *http.Request, what Action) {
	if a == nil {
		return
	}
	silent := uint64(0)
	if IsRefusal(what.Err) {
		if !a.refused.Allow() {
			a.silent.Add(1)
			return
		}
		silent = a.silent.Swap(0)
	}
	fields := []zap.Field{zap.String("action", what.Name), zap.String("actor", what.Actor)}
	text := func(name, value string) {
		if value != "" {
			fields = append(fields, zap.String(name, LogValue(value)))
		}
	}
	text("api_key", what.Key)
	text("target", what.Target)
	if what.Err == nil {
		text("result", "ok")
		if what.Count >= 0 {
			fields = append(fields, zap.Int("count", what.Count))
		}
	} else {
		text("result", resultOf(what.Err))
	}
	if r != nil {
		info := InfoOf(r)
		text("ip", logIP(info.IP))
		text("request_id", info.ID)
	}
	if silent > 0 {
		fields = append(fields, zap.Uint64("refused_before", silent))
	}
	a.log.Info("audit", append(fields, what.Fields...)...)
}

// resultOf returns the code of the response. A wrong key has one of its own, because that of the
// response is the one for a key with too few rights.
func resultOf(err error) string {
	if errors.Is(err, ErrKeyWrong) {
		return "unknown_key"
	}
	return ProblemOf(err).Code
}
