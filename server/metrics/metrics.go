// Package metrics exports the server's counters to Prometheus.
package metrics

import (
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// Metrics counts what the Hub does not count, and exports both to Prometheus. Its labels are
// transports, codes and reasons, of which there are few. No label is a name that a client or a
// backend chooses, because each name would be a series for ever. A nil *Metrics counts nothing.
// Metrics is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	refusals *prometheus.CounterVec
	hub      *notify.Hub
	hooks    *prometheus.HistogramVec
	panics   atomic.Uint64
	cut      atomic.Uint64    // connections, because memory was short
	flows    map[string]*flow // by transport; read-only
}

// transportNames are the values of the label `transport`.
var transportNames = [...]string{"websocket", "polling", "sse"}

// latencyBuckets are seconds from publish to write. Below 1 ms the server is fast enough; above 1 s
// a reader is slow.
var latencyBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// New returns Metrics that include the Stats of hub.
func New(hub *notify.Hub) *Metrics {
	m := &Metrics{
		hub:      hub,
		registry: prometheus.NewRegistry(),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "roomcast_refusals_total",
			Help: "Requests, connections and events that were refused, by the code sent.",
		}, []string{"code"}),
		hooks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "roomcast_hook_seconds", Buckets: latencyBuckets,
			Help: "Time of the requests to the application's hooks, by hook and outcome.",
		}, []string{"hook", "outcome"}),
		flows: make(map[string]*flow, len(transportNames)),
	}
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "roomcast_publish_to_written_seconds", Buckets: latencyBuckets,
		Help: "Time from accepting a notification to writing it, for the oldest in a write; " +
			"one write in 8 is measured, replays are not.",
	}, []string{"transport"})
	for _, name := range transportNames {
		m.flows[name] = &flow{latency: latency.WithLabelValues(name)}
	}
	for code := range refusalCodes {
		m.refusals.WithLabelValues(code)
	}
	m.registry.MustRegister(m.refusals, m.hooks, latency, flowCollector(m.flows), hubCollector{hub},
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "roomcast_panics_total", Help: "Panics of handlers that ended one connection or request.",
		}, func() float64 { return float64(m.panics.Load()) }),
		goCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return m
}

// goCollector exports the usual metrics of Go, and of the newer ones those that tell why a server is
// slow: how long goroutines wait for a processor and for a mutex, and how long the collector stops
// them.
func goCollector() prometheus.Collector {
	return collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
		Matcher: regexp.MustCompile(`^(/sched/latencies:seconds|/sched/pauses/total/(gc|other):seconds|` +
			`/sync/mutex/wait/total:seconds|/cpu/classes/gc/total:cpu-seconds)$`),
	}))
}

// SetBuild adds the version of the program and the revision of its source. Call it once.
func (m *Metrics) SetBuild(version, revision string) {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "roomcast_build_info", Help: "1, with the version of the program and of its source.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision},
	})
	build.Set(1)
	m.registry.MustRegister(build)
}

// Handler serves all metrics in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Written counts a write to a connection: its bytes and, unless since is zero, the latency of the
// oldest notification in it. It takes about 25 ns; the write takes microseconds.
func (m *Metrics) Written(transport string, bytes int, since time.Time) {
	if m == nil {
		return
	}
	if f := m.flows[transport]; f != nil {
		f.add(bytes, since)
	}
}

// WrittenBy returns Written for one transport.
func (m *Metrics) WrittenBy(transport string) func(bytes int, since time.Time) {
	return func(bytes int, since time.Time) { m.Written(transport, bytes, since) }
}

// SentBytes returns the bytes written to connections of all transports.
func (m *Metrics) SentBytes() (sum uint64) {
	for _, f := range m.flows {
		bytes, _ := f.total()
		sum += bytes
	}
	return sum
}

// Refused counts a refusal. An unknown code, which a middleware may use, counts as "other".
func (m *Metrics) Refused(code string) {
	if m == nil {
		return
	}
	if !refusalCodes[code] {
		code = "other"
	}
	m.refusals.WithLabelValues(code).Inc()
}

// Hooked counts a request to a hook of the application.
func (m *Metrics) Hooked(hook, outcome string, took time.Duration) {
	if m != nil {
		m.hooks.WithLabelValues(hook, outcome).Observe(took.Seconds())
	}
}

func (m *Metrics) Panicked() {
	if m != nil {
		m.panics.Add(1)
	}
}

// refusalCodes are the values of the label `code`.
var refusalCodes = map[string]bool{
	edge.CodeValidation: true, edge.CodeUnauthenticated: true, "invalid_token": true, "token_expired": true, edge.CodeForbidden: true,
	edge.CodeNotFound: true, edge.CodeMethodNotAllowed: true, "conflict": true, edge.CodeRequestTimeout: true, edge.CodePayloadTooLarge: true, edge.CodeUnsupportedMediaType: true,
	edge.CodeRateLimited: true, edge.CodeTooManyConnections: true, edge.CodeUnavailable: true, edge.CodeInternal: true,
	"unknown_event": true, "room_limit": true, "other": true,
}

// flow counts the writes of one transport. All connections write at the same time, so there are
// several counters, each in its own cache line.
type flow struct {
	latency prometheus.Observer
	shares  [16]struct {
		bytes, writes atomic.Uint64
		_             [48]byte
	}
}

// measured is how many writes there are to one measured latency: the clock and the histogram cost
// ten times as much as the counters.
const measured = 8

func (f *flow) add(bytes int, since time.Time) {
	draw := rand.Uint32()
	share := &f.shares[draw%uint32(len(f.shares))]
	share.bytes.Add(uint64(bytes))
	share.writes.Add(1)
	if !since.IsZero() && draw>>16%measured == 0 {
		f.latency.Observe(time.Since(since).Seconds())
	}
}

func (f *flow) total() (bytes, writes uint64) {
	for i := range f.shares {
		bytes += f.shares[i].bytes.Load()
		writes += f.shares[i].writes.Load()
	}
	return bytes, writes
}
