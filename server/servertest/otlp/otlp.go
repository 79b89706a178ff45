// Package otlp is a collector of OpenTelemetry that keeps what it gets, for tests.
package otlp

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that the collector has got.
type Span struct {
	Name, Trace, ID, Parent string // ids in hexadecimal digits
	Kind                    string // such as "SERVER"
	Error                   bool
	Attributes              map[string]string
	Resource                map[string]string
	Links                   []string // traces
}

// Collector receives spans over HTTP.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []Span
	heads []http.Header
	raw   []byte
}

// New starts a Collector, which ends with the test.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := &collector.ExportTraceServiceRequest{}
		if err == nil {
			err = proto.Unmarshal(body, request)
		}
		if err != nil || r.URL.Path != "/v1/traces" ||
			r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("the collector got %s %v: %v", r.URL, r.Header, err)
		}
		c.mu.Lock()
		c.heads, c.raw = append(c.heads, r.Header), append(c.raw, body...)
		c.add(request)
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(http.StatusOK)
	}))
	c.URL = s.URL
	t.Cleanup(s.Close)
	return c
}

func (c *Collector) add(request *collector.ExportTraceServiceRequest) {
	for _, of := range request.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				span := Span{
					Name: s.Name, Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId),
					Parent: hex.EncodeToString(s.ParentSpanId), Error: s.Status.GetCode() == 2,
					Kind:       strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_"),
					Attributes: texts(s.Attributes), Resource: texts(of.Resource.Attributes),
				}
				for _, link := range s.Links {
					span.Links = append(span.Links, hex.EncodeToString(link.TraceId))
				}
				c.spans = append(c.spans, span)
			}
		}
	}
}

func texts(attributes []*common.KeyValue) map[string]string {
	all := make(map[string]string, len(attributes))
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			all[a.Key] = v.StringValue
		default:
			all[a.Key] = strings.TrimSpace(strings.TrimPrefix(a.Value.String(), "int_value:"))
		}
	}
	return all
}

// Spans returns what has arrived, in the order of arrival.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Named returns the spans of a name.
func (c *Collector) Named(name string) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.Name != name })
}

// Headers returns those of each request.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heads)
}

// Has reports whether a text is anywhere in the bytes that have arrived.
func (c *Collector) Has(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(string(c.raw), text)
}
