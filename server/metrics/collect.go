package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/roomcast/roomcast/notify"
)

func metricDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("roomcast_"+name, help, labels, nil)
}

// flowCollector exports the counters of the transports.
type flowCollector map[string]*flow

var (
	descSentBytes = metricDesc("sent_bytes_total", "Bytes written to connections, framing included.", "transport")
	descWrites    = metricDesc("writes_total", "Writes to connections.", "transport")
)

func (c flowCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descSentBytes
	ch <- descWrites
}

func (c flowCollector) Collect(ch chan<- prometheus.Metric) {
	for name, f := range c {
		bytes, writes := f.total()
		ch <- prometheus.MustNewConstMetric(descSentBytes, prometheus.CounterValue, float64(bytes), name)
		ch <- prometheus.MustNewConstMetric(descWrites, prometheus.CounterValue, float64(writes), name)
	}
}

// hubCollector exports the Hub's Stats. It reads them once per scrape, so all values are of the
// same moment, and the Hub needs no metrics of its own.
type hubCollector struct{ hub *notify.Hub }

var (
	descConnections = metricDesc("connections", "Connections in the root namespace.", "transport")
	descGaps        = metricDesc("gaps_total", "Gaps sent to members, which may have missed notifications.", "reason")
)

// hubMetric is a value of Stats without labels.
type hubMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*notify.Stats) float64
}

var hubMetrics = [...]hubMetric{
	hubGauge("users", "Users with a connection.", func(s *notify.Stats) int { return s.ActiveUsers }),
	hubGauge("members", "Members of all namespaces.", func(s *notify.Stats) int { return s.Members }),
	hubGauge("lagging_members", "Members that read from history because they are slow or resuming.", func(s *notify.Stats) int { return s.Lagging }),
	hubGauge("channels", "Channels with a member.", func(s *notify.Stats) int { return s.Channels }),
	hubGauge("rooms", "Rooms with a member or history, of any kind.", func(s *notify.Stats) int { return s.Rooms }),
	hubGauge("sessions", "Sessions kept for clients that may reconnect.", func(s *notify.Stats) int { return s.Sessions }),
	hubGauge("sessions_unsaved", "Sessions that changed and are not in DATA_DIR yet.", func(s *notify.Stats) int { return s.Unsaved }),
	hubGauge("history_messages", "Messages kept for replay.", func(s *notify.Stats) int { return s.History }),
	hubGauge("history_bytes", "Estimated bytes of the messages kept for replay.", func(s *notify.Stats) int { return int(s.HistoryBytes) }),
	hubGauge("retained_messages", "Retained notifications.", func(s *notify.Stats) int { return s.Retained }),
	hubGauge("retained_bytes", "Estimated bytes of the retained notifications.", func(s *notify.Stats) int { return int(s.RetainedBytes) }),
	hubCounter("published_total", "Messages published, volatile ones included.", func(s *notify.Stats) uint64 { return s.Published }),
	hubCounter("deliveries_total", "Deliveries of live messages to members.", func(s *notify.Stats) uint64 { return s.Delivered }),
	hubCounter("lags_total", "Times that a slow member fell back to history.", func(s *notify.Stats) uint64 { return s.Lagged }),
	hubCounter("volatile_dropped_total", "Volatile messages that a slow member did not get.", func(s *notify.Stats) uint64 { return s.Dropped }),
	hubCounter("replays_total", "Resumes that replayed messages.", func(s *notify.Stats) uint64 { return s.Replays }),
	hubCounter("replayed_messages_total", "Messages replayed.", func(s *notify.Stats) uint64 { return s.Replayed }),
}

func hubGauge(name, help string, value func(*notify.Stats) int) hubMetric {
	return hubMetric{metricDesc(name, help), prometheus.GaugeValue, func(s *notify.Stats) float64 { return float64(value(s)) }}
}

func hubCounter(name, help string, value func(*notify.Stats) uint64) hubMetric {
	return hubMetric{metricDesc(name, help), prometheus.CounterValue, func(s *notify.Stats) float64 { return float64(value(s)) }}
}

func (c hubCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- descConnections
	ch <- descGaps
	for _, m := range hubMetrics {
		ch <- m.desc
	}
}

func (c hubCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.hub.Stats()
	for _, name := range transportNames {
		ch <- prometheus.MustNewConstMetric(descConnections, prometheus.GaugeValue, float64(s.ByTransport[name]), name)
	}
	for reason, n := range s.Gaps {
		ch <- prometheus.MustNewConstMetric(descGaps, prometheus.CounterValue, float64(n), reason)
	}
	for _, m := range hubMetrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&s))
	}
}
