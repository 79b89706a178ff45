package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Receiver has the counts of one URL that gets webhooks.
type Receiver struct {
	Delivered   uint64            // events
	Retried     uint64            // requests that were sent again
	Dropped     map[string]uint64 // events, by reason
	Queued      int               // events
	QueuedBytes int
	Unsaved     int // events of the queue that DATA_DIR does not have yet
}

var (
	descWebhookDelivered = metricDesc("webhook_delivered_total",
		"Events that a receiver of webhooks has accepted.", "receiver")
	descWebhookRetried = metricDesc("webhook_retried_total",
		"Requests with webhooks that were sent again.", "receiver")
	descWebhookDropped = metricDesc("webhook_dropped_total",
		"Events that a receiver of webhooks does not get, by reason.", "receiver", "reason")
	descWebhookQueue = metricDesc("webhook_queue_length",
		"Events that wait for a receiver of webhooks.", "receiver")
	descWebhookBytes = metricDesc("webhook_queue_bytes",
		"Memory of the events that wait for a receiver of webhooks.", "receiver")
	descWebhookUnsaved = metricDesc("webhook_queue_unsaved",
		"Events that wait for a receiver of webhooks and are not in DATA_DIR yet.", "receiver")
)

// receiverCollector exports the counts of receivers. The label is the place of the URL in the
// settings, because a URL can have a password.
type receiverCollector func() []Receiver

// WatchReceivers exports the counts that read returns.
func (m *Metrics) WatchReceivers(read func() []Receiver) {
	m.registry.MustRegister(receiverCollector(read))
}

func (c receiverCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descWebhookDelivered, descWebhookRetried,
		descWebhookDropped, descWebhookQueue, descWebhookBytes, descWebhookUnsaved} {
		ch <- desc
	}
}

func (c receiverCollector) Collect(ch chan<- prometheus.Metric) {
	for i, r := range c() {
		receiver := strconv.Itoa(i + 1)
		counter := func(desc *prometheus.Desc, n uint64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n),
				append([]string{receiver}, labels...)...)
		}
		counter(descWebhookDelivered, r.Delivered)
		counter(descWebhookRetried, r.Retried)
		for reason, n := range r.Dropped {
			counter(descWebhookDropped, n, reason)
		}
		gauge := func(desc *prometheus.Desc, n int) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), receiver)
		}
		gauge(descWebhookQueue, r.Queued)
		gauge(descWebhookBytes, r.QueuedBytes)
		gauge(descWebhookUnsaved, r.Unsaved)
	}
}
