package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomcast/roomcast/server/limit"
)

// gateCollector exports how many handshakes a gate has refused.
type gateCollector struct{ gate *limit.Gate }

var (
	descGateRate = metricDesc("handshake_rate", "Handshakes per second that pass in any case; 0: all.")
	descGate     = metricDesc("handshakes_refused_total", "Handshakes above that rate, by what the client shows.", "client")
)

// WatchGate adds the metrics of a gate. Call it once.
func (m *Metrics) WatchGate(gate *limit.Gate) { m.registry.MustRegister(gateCollector{gate}) }

func (c gateCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descGateRate
	ch <- descGate
}

func (c gateCollector) Collect(ch chan<- prometheus.Metric) {
	newcomers, resumes := c.gate.Refused()
	ch <- prometheus.MustNewConstMetric(descGateRate, prometheus.GaugeValue, float64(c.gate.Rate()))
	for client, n := range map[string]uint64{"new": newcomers, "resumes": resumes} {
		ch <- prometheus.MustNewConstMetric(descGate, prometheus.CounterValue, float64(n), client)
	}
}
