package traces

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/api"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/hooks"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/otlp"
)

func TestMain(m *testing.M) { servertest.Main(m) }

var (
	_ api.Tracer   = (*Tracer)(nil)
	_ hooks.Tracer = (*Tracer)(nil)
)

const (
	// The examples of W3C Trace Context.
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
	sampled = "00-" + traceID + "-" + spanID + "-01"
	ignored = "00-" + traceID + "-" + spanID + "-00"
)

// lookup returns an environment.
func lookup(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// stack is a Hub with a Tracer, its API, and a collector.
type stack struct {
	*testing.T
	hub       *notify.Hub
	tracer    *Tracer
	collector *otlp.Collector
}

func newStack(t *testing.T, ratio float64) *stack {
	t.Helper()
	s := &stack{T: t, collector: otlp.New(t)}
	s.tracer = newTestTracer(t, ratio, s.collector.URL)
	s.hub = servertest.HubWith(t, func(o *notify.Options) { o.Tracer = s.tracer })
	return s
}

func newTestTracer(t *testing.T, ratio float64, url string) *Tracer {
	t.Helper()
	tracer, err := New(Options{Ratio: ratio, Version: "1.2.3",
		Lookup: lookup(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tracer.Close)
	return tracer
}

// post sends a request to the API and returns the response.
func (s *stack) post(path, body, traceparent string) (status int, text string) {
	s.Helper()
	handler := edge.WithInfo(nil, api.New(api.Options{Hub: s.hub, Keys: []string{servertest.Key},
		Tracer: s.tracer}))
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+servertest.Key)
	if traceparent != "" {
		r.Header.Set("Traceparent", traceparent)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// pull returns the messages of a member, and reports their writes.
func pull(m *notify.Member, transport string) (all []*notify.Message) {
	buf := make([]notify.Delivery, 16)
	n, _ := m.Pull(buf)
	for _, d := range buf[:n] {
		all = append(all, d.Message)
		if t := d.Message.Trace; t != nil && t.Follows(m) {
			t.Written(transport)
		}
	}
	return all
}

// spans sends what waits and returns all spans, sorted by name.
func (s *stack) spans() []otlp.Span {
	s.tracer.Close()
	all := s.collector.Spans()
	slices.SortStableFunc(all, func(a, b otlp.Span) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func traceparentIn(t *testing.T, m *notify.Message) string {
	t.Helper()
	var metadata struct{ Traceparent string }
	if len(m.Metadata) > 0 {
		if err := json.Unmarshal(m.Metadata, &metadata); err != nil {
			t.Fatalf("%s: %v", m.Metadata, err)
		}
	}
	return metadata.Traceparent
}

// A publish continues the trace of the request, through the log to the first write of each
// transport, and nothing in a span is a secret or a name.
func TestPublishIsOneTrace(t *testing.T) {
	t.Parallel()
	s := newStack(t, 0) // the traceparent decides
	a := servertest.Attach(t, s.hub, "client-a", "ann-17", "orders-secret")
	b := servertest.Attach(t, s.hub, "client-b", "ben-18", "orders-secret")
	status, text := s.post("/v1/notifications",
		`{"target":{"channel":"orders-secret"},"type":"paid-type","data":{"card":"4111-data"}}`, sampled)
	if status != 200 {
		t.Fatal(status, text)
	}
	got := pull(a, "websocket")
	pull(b, "websocket") // no further span
	all := s.spans()
	if len(all) != 4 || all[0].Name != "POST /v1/notifications" || all[1].Name != "append" ||
		all[2].Name != "publish" || all[3].Name != "write" {
		t.Fatalf("spans %+v", all)
	}
	request, appended, publish, write := all[0], all[1], all[2], all[3]
	for _, span := range all {
		if span.Trace != traceID || span.Error || span.Resource["service.name"] != "roomcast" ||
			span.Resource["service.version"] != "1.2.3" {
			t.Errorf("span %+v", span)
		}
	}
	if request.Parent != spanID || publish.Parent != request.ID || appended.Parent != publish.ID ||
		write.Parent != publish.ID {
		t.Errorf("parents of %+v", all)
	}
	if request.Kind != "SERVER" || publish.Kind != "PRODUCER" {
		t.Errorf("kinds %s, %s", request.Kind, publish.Kind)
	}
	if want := "00-" + traceID + "-" + publish.ID + "-01"; traceparentIn(t, got[0]) != want {
		t.Errorf("metadata %s, want %s", got[0].Metadata, want)
	}
	if publish.Attributes["messaging.message.id"] != got[0].ID.String() ||
		publish.Attributes["roomcast.delivered"] != "2" ||
		request.Attributes["http.response.status_code"] != "200" ||
		write.Attributes["roomcast.transport"] != "websocket" {
		t.Errorf("attributes %+v", all)
	}
	for _, secret := range []string{servertest.Key, "ann-17", "client-a", "orders-secret", "paid-type",
		"4111-data"} {
		if s.collector.Has(secret) {
			t.Errorf("%s was sent to the collector", secret)
		}
	}
	if exported, failed, dropped := s.tracer.Counts(); exported != 4 || failed+dropped != 0 {
		t.Errorf("%d exported, %d failed, %d dropped", exported, failed, dropped)
	}
}

// Who sends a traceparent decides. Without a valid one the ratio does, and a notification that is
// not traced stays as it is.
func TestTraceparentOfRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header string
		ratio        float64
		spans        int    // of publishes
		carried      string // pattern of the metadata
	}{
		{"sampled", sampled, 0, 1, "00-" + traceID + "-????????????????-01"},
		{"not sampled", ignored, 1, 0, "00-" + traceID + "-????????????????-00"},
		{"none", "", 0, 0, ""},
		{"none, all are traced", "", 1, 1, "00-????????????????????????????????-????????????????-01"},
		{"version ff", "ff" + sampled[2:], 0, 0, ""},
		{"capital letters", strings.ToUpper(sampled), 0, 0, ""},
		{"trace id of zeros", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", 0, 0, ""},
		{"span id of zeros", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", 0, 0, ""},
		{"cut", sampled[:54], 0, 0, ""},
		{"text", `"},{"x":"`, 0, 0, ""},
		{"more than version 00 has", sampled + "-extra", 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, c.ratio)
			m := servertest.Attach(t, s.hub, "c", "u")
			const metadata = `{"a": [1, {"b":"}"}] }`
			status, text := s.post("/v1/notifications",
				`{"target":{"user":"u"},"type":"t","metadata":`+metadata+`}`, c.header)
			got := pull(m, "sse")
			if status != 200 || len(got) != 1 {
				t.Fatal(status, text, got)
			}
			carried := traceparentIn(t, got[0])
			if ok, err := path.Match(c.carried, carried); !ok || err != nil {
				t.Errorf("metadata %s, want %s", got[0].Metadata, c.carried)
			}
			if want := metadata; c.carried == "" && string(got[0].Metadata) != want {
				t.Errorf("metadata %s, want %s", got[0].Metadata, want)
			}
			s.spans()
			if n := len(s.collector.Named("publish")); n != c.spans {
				t.Errorf("%d spans of publishes, want %d: %+v", n, c.spans, s.collector.Spans())
			}
		})
	}
}

// The traceparent in the metadata of a sender stays, and is the parent. Something else of that name
// stays, too.
func TestTraceparentInMetadata(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	m := servertest.Attach(t, s.hub, "c", "u")
	for _, metadata := range []string{
		`{"traceparent":"` + sampled + `"}`, `{"traceparent":"mine"}`, `{"traceparent":7}`,
		`{"trace\u0070arent":"mine"}`,
	} {
		status, text := s.post("/v1/notifications",
			`{"target":{"user":"u"},"type":"t","metadata":`+metadata+`}`, "")
		got := pull(m, "sse")
		if status != 200 || len(got) != 1 || string(got[0].Metadata) != metadata {
			t.Fatal(metadata, status, text, got)
		}
	}
	s.spans()
	n := 0
	for _, span := range s.collector.Named("publish") {
		if span.Trace == traceID && span.Parent == spanID && len(span.Links) == 1 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d spans in the trace of the metadata: %+v", n, s.collector.Spans())
	}
}

// A batch has one span for what has no trace of its own.
func TestBatchIsOneSpan(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	m := servertest.Attach(t, s.hub, "c", "u")
	item := `{"target":{"user":"u"},"type":"t"}`
	status, text := s.post("/v1/notifications", `[`+item+`,`+item+`,{"target":{"user":"u"},"type":"t",`+
		`"metadata":{"traceparent":"`+sampled+`"}},{"target":{"user":""},"type":"t"}]`, "")
	got := pull(m, "polling")
	if status != 200 || len(got) != 3 {
		t.Fatal(status, text)
	}
	first := traceparentIn(t, got[0])
	if first == "" || first != traceparentIn(t, got[1]) || traceparentIn(t, got[2]) != sampled {
		t.Errorf("metadata %s, %s, %s", got[0].Metadata, got[1].Metadata, got[2].Metadata)
	}
	s.spans()
	publishes, writes := s.collector.Named("publish"), s.collector.Named("write")
	if len(publishes) != 2 || len(writes) != 2 || len(s.collector.Named("append")) != 1 {
		t.Errorf("spans %+v", s.collector.Spans())
	}
	for _, span := range publishes {
		if span.Trace == traceID == (span.Attributes["messaging.batch.message_count"] == "2") {
			t.Errorf("span %+v", span)
		}
	}
}

// Go code gives the trace in its context. Arguments of an emit stay as they are.
func TestContextOfGoCode(t *testing.T) {
	t.Parallel()
	s := newStack(t, 0)
	m := servertest.Attach(t, s.hub, "c", "u", "room")
	carrier := propagation.MapCarrier{"traceparent": sampled}
	ctx := propagation.TraceContext{}.Extract(t.Context(), carrier)
	if _, err := s.hub.Emit(ctx, notify.Emission{Room: "room", Event: "e",
		Args: json.RawMessage(`[1]`)}); err != nil {
		t.Fatal(err)
	}
	got := pull(m, "websocket")
	if len(got) != 1 || string(got[0].Args) != `[1]` || got[0].Metadata != nil {
		t.Fatalf("got %+v", got)
	}
	if all := s.spans(); len(all) != 3 || all[2].Trace != traceID || all[1].Parent != spanID {
		t.Errorf("spans %+v", all)
	}
}

// What the server announces on its own is not traced.
func TestLocalMessage(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	m := servertest.Attach(t, s.hub, "c", "u")
	if _, err := s.hub.Publish(t.Context(), notify.Notification{Type: "t", Volatile: true, Local: true},
		notify.ToUser("u")); err != nil {
		t.Fatal(err)
	}
	if got := pull(m, "sse"); len(got) != 1 || got[0].Metadata != nil {
		t.Errorf("got %+v", got)
	}
	if all := s.spans(); len(all) != 0 {
		t.Errorf("spans %+v", all)
	}
}

// wire carries volatile messages from one node to another, as bytes do.
type wire struct{ to func(*notify.Message) }

func (w *wire) Send(m *notify.Message) {
	w.to(&notify.Message{Namespace: m.Namespace, Rooms: m.Rooms, Type: m.Type, Volatile: true,
		Metadata: slices.Clone(m.Metadata)})
}

func (w *wire) Receive(func(*notify.Message)) {}

type farRelay struct{ receive func(*notify.Message) }

func (e *farRelay) Send(*notify.Message)                  {}
func (e *farRelay) Receive(deliver func(*notify.Message)) { e.receive = deliver }

// The write of another node belongs to the same trace.
func TestOtherNode(t *testing.T) {
	t.Parallel()
	c := otlp.New(t)
	here, there := newTestTracer(t, 1, c.URL), newTestTracer(t, 0, c.URL)
	far := &farRelay{}
	other := servertest.HubWith(t, func(o *notify.Options) { o.Tracer, o.Relay = there, far })
	hub := servertest.HubWith(t, func(o *notify.Options) {
		o.Tracer, o.Relay = here, &wire{func(m *notify.Message) { far.receive(m) }}
	})
	m := servertest.Attach(t, other, "c", "u")
	if _, err := hub.Publish(t.Context(), notify.Notification{Type: "t", Volatile: true},
		notify.ToUser("u")); err != nil {
		t.Fatal(err)
	}
	if got := pull(m, "sse"); len(got) != 1 {
		t.Fatalf("got %v", got)
	}
	here.Close()
	there.Close()
	publishes, writes := c.Named("publish"), c.Named("write")
	if len(publishes) != 1 || len(writes) != 1 || writes[0].Trace != publishes[0].Trace ||
		writes[0].Parent != publishes[0].ID {
		t.Errorf("spans %+v", c.Spans())
	}
}

// A collector that does not answer costs no publish anything: the queue has a bound.
func TestDeadCollector(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(dead.Close)
	tracer := newTestTracer(t, 1, dead.URL)
	t.Cleanup(func() { close(release) })
	hub := servertest.HubWith(t, func(o *notify.Options) { o.Tracer = tracer })
	const publishes = 3000
	for range publishes {
		if _, err := hub.Publish(t.Context(), notify.Notification{Type: "t"}, notify.ToAll()); err != nil {
			t.Fatal(err)
		}
	}
	exported, failed, dropped := tracer.Counts()
	if exported != 0 || dropped < 2*publishes-maxQueued-failed || tracer.queue.waiting.Load() > maxQueued {
		t.Errorf("%d exported, %d failed, %d dropped, %d wait", exported, failed, dropped,
			tracer.queue.waiting.Load())
	}
}

// A failed publish is an error of its span, without the text.
func TestFailedPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	s.hub.Drain()
	status, _ := s.post("/v1/notifications", `{"target":{"user":"u1-name"},"type":"t"}`, sampled)
	all := s.spans()
	if status != 503 || len(all) != 2 || !all[0].Error || !all[1].Error ||
		all[1].Attributes["error.type"] != "unavailable" || s.collector.Has("u1-name") {
		t.Errorf("%d, spans %+v", status, all)
	}
}

// Requests to the application have a traceparent.
func TestHooksAreTraced(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	ctx, ended := s.tracer.Event(context.Background(), "event")
	header := http.Header{}
	s.tracer.Send(ctx, "event", header)(200, "")
	ended("invalid")
	alone := http.Header{}
	s.tracer.Send(context.Background(), "webhook", alone)(0, "unreachable")
	all := s.spans()
	if len(all) != 3 || all[0].Name != "POST event" || all[1].Name != "POST webhook" ||
		all[2].Name != "event" || all[0].Parent != all[2].ID || !all[2].Error || all[0].Error {
		t.Fatalf("spans %+v", all)
	}
	for i, h := range []http.Header{header, alone} {
		if want := "00-" + all[i].Trace + "-" + all[i].ID + "-01"; h.Get("Traceparent") != want {
			t.Errorf("header %q, want %s", h.Get("Traceparent"), want)
		}
	}
	if off := newStack(t, 0); true { // a decision holds for all of an event
		ctx, ended := off.tracer.Event(context.Background(), "event")
		header := http.Header{}
		off.tracer.Send(ctx, "event", header)(200, "")
		if ended(""); len(header) != 0 || trace.SpanContextFromContext(ctx).IsSampled() {
			t.Errorf("header %v", header)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	const base, own = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "http://localhost:4318/v1/traces"},
		{map[string]string{base: "https://collector:4318/"}, "https://collector:4318/v1/traces"},
		{map[string]string{base: "http://a/x"}, "http://a/x/v1/traces"},
		{map[string]string{base: "http://a", own: "http://b/in"}, "http://b/in"},
		{map[string]string{base: "collector:4318"}, base + ": expected http://host:port or https://host:port"},
		{map[string]string{own: "http://user:secret@a"},
			own + ": has a user, expected credentials in OTEL_EXPORTER_OTLP_HEADERS"},
	} {
		got, err := endpoint(lookup(c.env))
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.env, got, c.want)
		}
	}
	if !IsDisabled(lookup(map[string]string{"OTEL_SDK_DISABLED": "true"})) || IsDisabled(lookup(nil)) {
		t.Error("OTEL_SDK_DISABLED is not read")
	}
}

// What is put into metadata leaves all other members as they are.
func TestWithTraceparent(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":                   `{"traceparent":"x"}`,
		"{}":                 `{"traceparent":"x"}`,
		" { \n} ":            `{"traceparent":"x"}`,
		`{"a":{"b":{}}}`:     `{"a":{"b":{}},"traceparent":"x"}`,
		`{"a":"}" , "b":1 }`: `{"a":"}" , "b":1,"traceparent":"x"}`,
	} {
		given := json.RawMessage(before)
		if got := withTraceparent(given, "x"); string(got) != want || string(given) != before {
			t.Errorf("%s: got %s, want %s", before, got, want)
		}
	}
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		notify.ErrUncertain: "uncertain", notify.ErrDraining: "unavailable",
		context.DeadlineExceeded: "timeout", errors.New("x"): "error",
		&notify.ValidationError{Field: "f"}: "validation",
	} {
		if got := kindOf(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}
