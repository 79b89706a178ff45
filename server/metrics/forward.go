package metrics

import "github.com/prometheus/client_golang/prometheus"

// forwardCollector exports the requests that a node of a cluster passes to others.
type forwardCollector func() (open int, ended map[string]uint64)

var (
	descForwards = metricDesc("forwards",
		"Requests that wait for another node, and upgraded connections that go by this one.")
	descForwarded = metricDesc("forwarded_total",
		"Requests for sessions of other nodes that have ended, by outcome.", "outcome")
)

// WatchForwards adds the metrics of requests that the node passes to others. Call it once.
func (m *Metrics) WatchForwards(counts func() (open int, ended map[string]uint64)) {
	m.registry.MustRegister(forwardCollector(counts))
}

func (c forwardCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descForwards
	ch <- descForwarded
}

func (c forwardCollector) Collect(ch chan<- prometheus.Metric) {
	open, ended := c()
	ch <- prometheus.MustNewConstMetric(descForwards, prometheus.GaugeValue, float64(open))
	for outcome, n := range ended {
		ch <- prometheus.MustNewConstMetric(descForwarded, prometheus.CounterValue, float64(n), outcome)
	}
}
