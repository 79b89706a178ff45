package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// certificateCollector exports when the certificate of the listener expires.
type certificateCollector func() time.Time

var descCertificate = metricDesc("certificate_expiry_timestamp_seconds",
	"When the certificate of the listener expires, the first one of several, in seconds since 1970.")

// WatchCertificate adds the time at which the certificate of the listener expires. While that is the
// zero time there is no certificate, and the metric has no value. Call it once.
func (m *Metrics) WatchCertificate(expires func() time.Time) {
	m.registry.MustRegister(certificateCollector(expires))
}

func (c certificateCollector) Describe(ch chan<- *prometheus.Desc) { ch <- descCertificate }

func (c certificateCollector) Collect(ch chan<- prometheus.Metric) {
	if at := c(); !at.IsZero() {
		ch <- prometheus.MustNewConstMetric(descCertificate, prometheus.GaugeValue, float64(at.Unix()))
	}
}
