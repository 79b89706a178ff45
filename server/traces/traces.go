// Package traces sends the way of notifications to a collector of OpenTelemetry.
package traces

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
)

// Options configure the Tracer that New returns.
type Options struct {
	// Ratio is the part of the publishes without a traceparent that is traced, from 0 to 1. The
	// default is 1. A publish with a traceparent is traced if that says so.
	Ratio float64

	// Version is that of the program.
	Version string

	// Lookup returns an environment variable, as os.LookupEnv does, for the address of the collector.
	// The SDK reads its other variables, such as OTEL_EXPORTER_OTLP_HEADERS, from the environment of
	// the process.
	Lookup func(string) (string, bool)

	Log *zap.Logger // failures of the export; nil: no log
}

// defaultEndpoint is the address that the specification of OTLP names. That of the SDK has TLS.
const defaultEndpoint = "http://localhost:4318"

// IsDisabled reports whether OTEL_SDK_DISABLED switches traces off. The SDK does not read it.
func IsDisabled(lookup func(string) (string, bool)) bool {
	value, _ := lookup("OTEL_SDK_DISABLED")
	return value == "true" || value == "TRUE" || value == "True"
}

// Tracer makes spans of publishes and of the requests around them. Any goroutine may call its
// methods, which never wait for the collector: a queue of at most 2,048 spans is sent in the
// background, and what does not fit is dropped and counted.
type Tracer struct {
	provider *sdk.TracerProvider
	spans    trace.Tracer
	queue    *queue
}

// New returns a Tracer, which runs a goroutine until Close. It does not connect to the collector.
func New(o Options) (*Tracer, error) {
	address, err := endpoint(o.Lookup)
	if err != nil {
		return nil, err
	}
	// The context is for the start of the exporter only, which over HTTP does nothing.
	collector, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(address))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return newTracer(collector, o)
}

// endpoint returns the address to which traces are sent. The error does not show it, because it can
// have a password.
func endpoint(lookup func(string) (string, bool)) (string, error) {
	name, path := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""
	text, _ := lookup(name)
	if text == "" {
		name, path = "OTEL_EXPORTER_OTLP_ENDPOINT", "/v1/traces"
		text, _ = lookup(name)
	}
	u, err := url.Parse(cmp.Or(text, defaultEndpoint))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s: expected http://host:port or https://host:port", name)
	}
	if u.User != nil {
		return "", fmt.Errorf("%s: has a user, expected credentials in OTEL_EXPORTER_OTLP_HEADERS",
			name)
	}
	return u.JoinPath(path).String(), nil
}

func newTracer(collector sdk.SpanExporter, o Options) (*Tracer, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	about, err := resource.New(context.Background(),
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "roomcast"),
			attribute.String("service.version", cmp.Or(o.Version, "unknown"))),
		resource.WithFromEnv()) // the last one wins: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("traces: %w", err)
	}
	q := newQueue(collector, o.Log)
	provider := sdk.NewTracerProvider(
		sdk.WithResource(about), sdk.WithSpanProcessor(q),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Ratio))),
		sdk.WithRawSpanLimits(limits))
	return &Tracer{provider, provider.Tracer("github.com/roomcast/roomcast"), q}, nil
}

// limits bound the memory of a span, so that the queue has a bound in bytes, too.
var limits = sdk.SpanLimits{AttributeValueLengthLimit: 256, AttributeCountLimit: 16, EventCountLimit: 0,
	LinkCountLimit: 1, AttributePerEventCountLimit: 0, AttributePerLinkCountLimit: 0}

// Counts returns how many spans the collector has accepted, how many could not be sent, and how
// many were dropped because too many waited.
func (t *Tracer) Counts() (exported, failed, dropped uint64) {
	return t.queue.exported.Load(), t.queue.failed.Load(), t.queue.dropped.Load()
}

// closeTimeout is how long Close waits for the collector.
const closeTimeout = 3 * time.Second

// Close sends what waits, for at most three seconds.
func (t *Tracer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the queue has logged the error
}
