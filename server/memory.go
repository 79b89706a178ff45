package server

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/limit"
)

const (
	memoryInterval = 100 * time.Millisecond // between two looks at the memory
	memoryLog      = time.Minute            // between two log lines for one shortage
	reasonShed     = "the server has too little memory"

	// In one step the server cuts a twentieth of the connections that lag, and at least this many.
	// Without any it drops a twentieth of the history.
	shedShare, shedLeast = 20, 16
)

// watchMemory looks at the memory until stop, which waits for it. Without a limit it does nothing.
func (s *Service) watchMemory() (stop func()) {
	if s.o.Memory == nil {
		return func() {}
	}
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(memoryInterval)
		defer ticker.Stop()
		w := shedder{Service: s}
		defer s.o.Hub.Shed(false)
		for {
			select {
			case now := <-ticker.C:
				w.look(now)
			case <-quit:
				return
			}
		}
	})
	return func() {
		close(quit)
		running.Wait()
	}
}

// shedder acts when memory is short: first the server takes no more connections and publishes, then
// it cuts those connections that have read nothing for the longest time. Without such connections
// it drops the oldest history, so that the server does not refuse publishes until that expires.
type shedder struct {
	*Service
	short   bool
	logged  time.Time
	refused int64 // connections and publishes, at the start of the shortage
	cut     int   // connections, in this shortage
}

func (w *shedder) look(now time.Time) {
	pressure := w.o.Memory.Look()
	short := pressure != limit.Enough
	if short && !w.short {
		w.refused, w.cut = w.refusals(), 0
	}
	if pressure == limit.StillShort {
		w.letGo()
	}
	if short != w.short || short && now.Sub(w.logged) >= memoryLog {
		w.logged = now
		w.log(short)
	}
	w.short = short
	w.o.Hub.Shed(short)
}

// refusals returns how many connections and publishes were refused since the start.
func (w *shedder) refusals() int64 { return w.o.Memory.Refused() + int64(w.o.Hub.Shedding()) }

// letGo cuts a few of the connections that lag, which may resume later, or drops some history.
func (w *shedder) letGo() {
	stats := w.o.Hub.Stats()
	laggards := w.o.Hub.Laggards(max(shedLeast, stats.Lagging/shedShare))
	for _, m := range laggards {
		m.Drop(reasonShed)
		w.cut++
		w.o.Metrics.Cut()
	}
	if len(laggards) == 0 {
		w.o.Hub.TrimHistory(max(shedLeast, stats.History/shedShare))
	}
}

func (w *shedder) log(short bool) {
	used, most := w.o.Memory.Usage()
	fields := []zap.Field{zap.Int64("used", used), zap.Int64("limit", most),
		zap.Int64("refused", w.refusals()-w.refused), zap.Int("cut", w.cut)}
	if short {
		w.o.Log.Warn("memory is short: new connections and publishes are refused, and connections "+
			"that do not read are cut", fields...)
	} else {
		w.o.Log.Info("memory is available again", fields...)
	}
}
