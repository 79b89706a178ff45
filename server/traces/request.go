package traces

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/roomcast/roomcast/server/edge"
)

// Request begins the span of a request of a backend, in the trace of its traceparent if that is
// valid. The caller has checked the key of the backend: whoever sends a traceparent decides what is
// traced. The span has the route and not the path, in which names can be.
func (t *Tracer) Request(r *http.Request, route string) (context.Context, func(status int)) {
	ctx := w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	parent := trace.SpanContextFromContext(ctx)
	ctx, span := t.spans.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", r.Method),
			attribute.String("http.route", route),
			attribute.String("roomcast.request_id", edge.InfoOf(r).ID)))
	if !span.IsRecording() {
		if parent.IsValid() { // the notification carries it on
			return trace.ContextWithRemoteSpanContext(r.Context(), parent), func(int) {}
		}
		return context.WithValue(r.Context(), untraced{}, true), func(int) {}
	}
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Event begins the span of an event of a client that the application answers, in a trace of its own.
func (t *Tracer) Event(ctx context.Context, kind string) (context.Context, func(outcome string)) {
	ctx, span := t.spans.Start(ctx, kind, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
	if !span.IsRecording() {
		return context.WithValue(ctx, untraced{}, true), func(string) {}
	}
	return ctx, func(outcome string) { endHook(span, outcome) }
}

// Send begins the span of a request to the application, and adds its traceparent to the header. The
// span has no address, in which a password can be.
func (t *Tracer) Send(
	ctx context.Context, hook string, header http.Header,
) func(status int, outcome string) {
	if _, decided := ctx.Value(untraced{}).(bool); decided {
		return func(int, string) {}
	}
	ctx, span := t.spans.Start(ctx, "POST "+hook, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("http.request.method", http.MethodPost)))
	w3c.Inject(ctx, propagation.HeaderCarrier(header))
	return func(status int, outcome string) {
		if status > 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", status))
		}
		endHook(span, outcome)
	}
}

// endHook ends a span with the outcome of a hook, as the metrics name it.
func endHook(span trace.Span, outcome string) {
	if outcome != "" {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("error.type", outcome))
	}
	span.End()
}
