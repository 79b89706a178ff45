package traces

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

const (
	maxQueued   = 2048 // spans, with those of the request that runs
	logInterval = time.Minute
)

// queue gives spans to the batches of the SDK as long as there is room, and counts what becomes of
// them, which the SDK does not.
type queue struct {
	sdk.SpanProcessor // the batches
	log               *zap.Logger

	waiting                   atomic.Int64
	exported, failed, dropped atomic.Uint64

	mu     sync.Mutex
	logged time.Time // of the last line about a failure
}

func newQueue(collector sdk.SpanExporter, log *zap.Logger) *queue {
	q := &queue{log: log}
	q.SpanProcessor = sdk.NewBatchSpanProcessor(exporter{collector, q},
		sdk.WithMaxQueueSize(maxQueued), sdk.WithMaxExportBatchSize(maxQueued/4))
	return q
}

// OnEnd queues a span, or drops it.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	switch {
	case !s.SpanContext().IsSampled():
		return
	case q.waiting.Add(1) > maxQueued:
		q.waiting.Add(-1)
		q.dropped.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// exporter counts what it sends.
type exporter struct {
	sdk.SpanExporter
	q *queue
}

// ExportSpans sends spans. It returns no error, which the SDK would write to stderr.
func (e exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	e.q.waiting.Add(-int64(len(spans)))
	if err != nil {
		e.q.failed.Add(uint64(len(spans)))
		e.q.note(err)
		return nil
	}
	e.q.exported.Add(uint64(len(spans)))
	return nil
}

// note logs a failure, once a minute at most.
func (q *queue) note(err error) {
	q.mu.Lock()
	now := time.Now()
	silent := !q.logged.IsZero() && now.Sub(q.logged) < logInterval
	if !silent {
		q.logged = now
	}
	q.mu.Unlock()
	if !silent {
		q.log.Warn("traces not exported", zap.String("error", shorten(err.Error())),
			zap.Uint64("failed", q.failed.Load()), zap.Uint64("dropped", q.dropped.Load()))
	}
}

// shorten cuts the text of a collector.
func shorten(text string) string {
	const most = 256
	if len(text) > most {
		return text[:most]
	}
	return text
}
