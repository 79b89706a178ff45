package server

import (
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
)

const stormLog = time.Minute // between two log lines about refused handshakes

// Gate returns a function for sse.Options and socketio.Options that lets handshakes pass a gate.
// Those resume that have a Last-Event-ID, or since, sessionId, pid or offset in the query.
// socket.io-client sends its pid and offset after the handshake, so it counts as a newcomer.
func Gate(gate *limit.Gate, log *zap.Logger) func(*http.Request) error {
	var logged atomic.Int64 // in ns, when a line may be next
	start := time.Now()
	return func(r *http.Request) error {
		c, q := auth.FromRequest(r), r.URL.Query()
		resumes := c.Since != "" || c.SessionID != "" || q.Get("pid") != "" || q.Get("offset") != ""
		err := gate.Enter(edge.ClientIP(r), resumes)
		if err == nil {
			return nil
		}
		next, now := logged.Load(), int64(time.Since(start))
		if now >= next && logged.CompareAndSwap(next, now+int64(stormLog)) {
			log.Warn("too many clients connect at once: some of them come back later",
				zap.Int("rate", gate.Rate()))
		}
		return err
	}
}
