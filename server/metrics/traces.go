package metrics

import "github.com/prometheus/client_golang/prometheus"

// tracesCollector exports what became of the spans of traces.
type tracesCollector func() (exported, failed, dropped uint64)

var descSpans = metricDesc("spans_total", "Spans of traces, by what became of them.", "outcome")

// WatchTraces adds the metrics of traces. Call it once.
func (m *Metrics) WatchTraces(counts func() (exported, failed, dropped uint64)) {
	m.registry.MustRegister(tracesCollector(counts))
}

func (c tracesCollector) Describe(ch chan<- *prometheus.Desc) { ch <- descSpans }

func (c tracesCollector) Collect(ch chan<- prometheus.Metric) {
	exported, failed, dropped := c()
	for outcome, n := range map[string]uint64{
		"exported": exported, "failed": failed, "dropped": dropped,
	} {
		ch <- prometheus.MustNewConstMetric(descSpans, prometheus.CounterValue, float64(n), outcome)
	}
}
