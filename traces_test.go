package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/roomcast/roomcast/server/servertest/otlp"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

const sentTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// publishTraced publishes with a traceparent.
func (p *program) publishTraced() {
	p.t.Helper()
	body := strings.NewReader(`{"target":{"user":"u1"},"type":"hello","metadata":{"n":1}}`)
	r, err := http.NewRequest("POST", p.base+"/v1/notifications", body)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", sentTraceparent)
	res, err := httpClient().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusOK {
		p.t.Fatalf("status %d", res.StatusCode)
	}
}

// lineWith returns the first line with a text.
func lineWith(t *testing.T, next func() (string, error), text string) string {
	t.Helper()
	for {
		line, err := next()
		if err != nil {
			t.Fatalf("no %s: %v", text, err)
		}
		if strings.Contains(line, text) {
			return line
		}
	}
}

// A notification of the program is one trace, from the request to the write of each transport.
func TestTraces(t *testing.T) {
	t.Parallel()
	collector := otlp.New(t)
	p := start(t, map[string]string{"TRACES": "on", "TRACES_RATIO": "0", "API_KEYS": testKey,
		"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL})
	socket, stream := p.socket(), p.stream()
	p.publishTraced()
	carried := regexp.MustCompile(
		`"metadata":\{"n":1,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-([0-9a-f]{16})-01"\}`)
	for _, next := range []func() (string, error){socket, stream} {
		if line := lineWith(t, next, `"type":"hello"`); !carried.MatchString(line) {
			t.Errorf("got %s", line)
		}
	}
	p.end()
	publish := collector.Named("publish")
	if len(publish) != 1 {
		t.Fatalf("spans %+v", collector.Spans())
	}
	parents := map[string]string{"append": publish[0].ID, "write": publish[0].ID,
		"POST /v1/notifications": "00f067aa0ba902b7"}
	written := map[string]bool{}
	for _, s := range collector.Spans() {
		if want := parents[s.Name]; want != "" && s.Parent != want || s.Trace != sentTraceparent[3:35] {
			t.Errorf("span %+v", s)
		}
		if s.Name == "write" {
			written[s.Attributes["roomcast.transport"]] = true
		}
	}
	if len(collector.Spans()) != 5 || !written["websocket"] || !written["sse"] {
		t.Errorf("spans %+v", collector.Spans())
	}
	if collector.Has(testKey) || collector.Has("u1") {
		t.Error("a key or a user is in the spans")
	}
}

// The write of another node belongs to the trace that the notification carries.
func TestTraceOfTwoNodes(t *testing.T) {
	t.Parallel()
	redis, collector := redistest.Start(t, redistest.Options{}), otlp.New(t)
	var nodes []*program
	for range 2 {
		settings := nodeOf(redis)
		settings["TRACES"], settings["TRACES_RATIO"] = "on", "0"
		settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL
		nodes = append(nodes, start(t, settings))
	}
	for _, node := range nodes {
		node.waitReady()
	}
	stream := nodes[1].stream()
	nodes[0].publishTraced()
	lineWith(t, stream, `"type":"hello"`)
	for _, node := range nodes {
		node.end()
	}
	publish, write := collector.Named("publish"), collector.Named("write")
	if len(publish) != 1 || len(write) != 1 || write[0].Trace != sentTraceparent[3:35] ||
		write[0].Parent != publish[0].ID {
		t.Errorf("spans %+v", collector.Spans())
	}
}

// Without TRACES, or with OTEL_SDK_DISABLED, the header changes nothing.
func TestTracesAreOff(t *testing.T) {
	t.Parallel()
	for _, settings := range []map[string]string{
		{}, {"TRACES": "on", "OTEL_SDK_DISABLED": "true"},
	} {
		collector := otlp.New(t)
		settings["API_KEYS"], settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = testKey, collector.URL
		p := start(t, settings)
		stream := p.stream()
		p.publishTraced()
		if line := lineWith(t, stream, `"type":"hello"`); !strings.Contains(line, `"metadata":{"n":1}`) {
			t.Errorf("%v: got %s", settings, line)
		}
		if p.end(); len(collector.Headers()) != 0 {
			t.Errorf("%v: the collector got %+v", settings, collector.Spans())
		}
	}
}
