package traces

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/roomcast/roomcast/notify"
)

var _ notify.Tracer = (*Tracer)(nil)

// untraced marks a context whose request was decided not to be traced, so that the sampler is not
// asked again for the publish.
type untraced struct{}

var (
	system = attribute.String("messaging.system", "roomcast")
	send   = attribute.String("messaging.operation.type", "send")
)

// Publish implements notify.Tracer. The messages share one span, except those whose metadata has a
// traceparent of the sender: each of these continues that trace. What is for members of this node only
// is not traced: it is what the server itself announces.
func (t *Tracer) Publish(ctx context.Context, messages []*notify.Message) (
	context.Context, func(int, error),
) {
	var spans []trace.Span
	common := make([]*notify.Message, 0, len(messages))
	for _, m := range messages {
		if m.Local {
			continue
		}
		own, _ := parentOf(m.Metadata)
		if !own.IsValid() {
			common = append(common, m)
			continue
		}
		_, span := t.spans.Start(trace.ContextWithRemoteSpanContext(context.Background(), own), "publish",
			trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(system, send),
			trace.WithLinks(trace.LinkFromContext(ctx)))
		t.follow(span, m)
		spans = append(spans, span)
	}
	if _, decided := ctx.Value(untraced{}).(bool); len(common) > 0 && !decided {
		parent := trace.SpanContextFromContext(ctx)
		next, span := t.spans.Start(ctx, "publish", trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(system, send))
		if len(common) > 1 {
			span.SetAttributes(attribute.Int("messaging.batch.message_count", len(common)))
		}
		if span.SpanContext().IsSampled() || parent.IsValid() {
			t.carry(span, common)
		}
		t.follow(span, common...)
		ctx, spans = next, append(spans, span)
	} else if len(spans) > 0 {
		ctx = trace.ContextWithSpan(ctx, spans[0])
	}
	if len(spans) == 0 {
		return ctx, nil
	}
	return ctx, func(delivered int, err error) { endPublish(spans, messages, delivered, err) }
}

func endPublish(spans []trace.Span, messages []*notify.Message, delivered int, err error) {
	for _, span := range spans {
		if span.IsRecording() {
			if len(messages) == 1 && err == nil && !messages[0].ID.IsZero() && !messages[0].Volatile {
				span.SetAttributes(attribute.String("messaging.message.id", messages[0].ID.String()))
			}
			span.SetAttributes(attribute.Int("roomcast.delivered", delivered))
		}
		end(span, err)
	}
}

// carry puts the traceparent of a span into the metadata of notifications. It leaves alone what has
// such a member already, in whatever form. Emits have no metadata: their listeners get exactly the
// arguments.
func (t *Tracer) carry(span trace.Span, messages []*notify.Message) {
	value := traceparentOf(span.SpanContext())
	for _, m := range messages {
		if _, has := parentOf(m.Metadata); m.Args == nil && !has {
			m.Metadata = withTraceparent(m.Metadata, value)
		}
	}
}

// follow makes messages report their first writes.
func (t *Tracer) follow(span trace.Span, messages ...*notify.Message) {
	if !span.IsRecording() {
		return
	}
	w := &way{tracer: t, of: span.SpanContext(), since: time.Now()}
	for _, m := range messages {
		m.Trace = w
	}
}

// Append implements notify.Tracer.
func (t *Tracer) Append(ctx context.Context) func(error) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return func(error) {}
	}
	_, span := t.spans.Start(ctx, "append")
	return func(err error) { end(span, err) }
}

// Arrive implements notify.Tracer. The writes of this node belong to the trace of the publish on
// another one, which the metadata names.
func (t *Tracer) Arrive(m *notify.Message) {
	if of, _ := parentOf(m.Metadata); of.IsSampled() {
		m.Trace = &way{tracer: t, of: of.WithRemote(true), since: time.Now()}
	}
}

// transports are the bits of way.written.
var transports = map[string]uint32{"websocket": 1, "polling": 2, "sse": 4}

const everyTransport = 7

// way is the way of messages from the publish, or the arrival at this node, to the first write on
// each transport. Every further write would be a span as well, of which a room can have thousands.
type way struct {
	tracer  *Tracer
	of      trace.SpanContext
	since   time.Time
	written atomic.Uint32
}

// Follows implements notify.Trace. Replays are not followed: they tell when a client came back.
func (w *way) Follows(m *notify.Member) bool {
	return w.written.Load() != everyTransport && w.since.After(m.ConnectedAt())
}

// Written implements notify.Trace.
func (w *way) Written(transport string) {
	bit := transports[transport]
	if before := w.written.Or(bit); bit == 0 || before&bit != 0 {
		return
	}
	ctx := trace.ContextWithSpanContext(context.Background(), w.of)
	_, span := w.tracer.spans.Start(ctx, "write", trace.WithTimestamp(w.since),
		trace.WithAttributes(attribute.String("roomcast.transport", transport)))
	span.End()
}

// end ends a span with the kind of an error. Its text can have names of users and channels.
func end(span trace.Span, err error) {
	var claimed *notify.ClaimedError
	switch {
	case err == nil || !span.IsRecording():
	case errors.As(err, &claimed): // the answer of the first request is sent
		span.SetAttributes(attribute.Bool("roomcast.repeated", true))
	default:
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("error.type", kindOf(err)))
	}
	span.End()
}

func kindOf(err error) string {
	var invalid *notify.ValidationError
	var full *notify.RetainError
	switch {
	case errors.As(err, &invalid):
		return "validation"
	case errors.As(err, &full):
		return "retained_limit"
	case errors.Is(err, notify.ErrUncertain):
		return "uncertain"
	case errors.Is(err, notify.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}
