package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchStorage exports the size of the stored messages, and how often some of them were found
// damaged.
func (m *Metrics) WatchStorage(bytes func() int64, losses func() uint64) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "roomcast_data_bytes", Help: "Size of the notifications in DATA_DIR, about.",
		}, func() float64 { return float64(bytes()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "roomcast_data_losses_total",
			Help: "Times that notifications in DATA_DIR were found damaged and dropped.",
		}, func() float64 { return float64(losses()) }),
	)
}
