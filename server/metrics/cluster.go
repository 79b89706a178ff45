package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Cluster is how a node sees what it shares with the others.
type Cluster struct {
	IsUp            bool          // Redis answers
	Lag             time.Duration // since the node had read everything
	Losses          uint64        // times that the stream has lost entries
	Skipped         uint64        // damaged entries
	VolatileDropped uint64        // messages
	IngestDropped   uint64        // messages of emitters
	IngestSkipped   uint64        // damaged messages of emitters
	BridgeLag       time.Duration // since the servers with the pub/sub adapter had everything
}

var (
	descClusterUp = metricDesc("cluster_up",
		"1 while Redis answers and this node has read the stream, else 0.")
	descClusterLag = metricDesc("cluster_lag_seconds",
		"Time since this node had read all of the stream.")
	descClusterLosses = metricDesc("cluster_losses_total",
		"Times that the stream lost entries before or after this node had read them.")
	descClusterSkipped = metricDesc("cluster_skipped_total",
		"Damaged entries of the stream that this node has passed over.")
	descClusterDropped = metricDesc("cluster_volatile_dropped_total",
		"Volatile messages that other nodes did not get from this one, or this one from them.")
	descIngestDropped = metricDesc("cluster_ingest_dropped_total",
		"Messages of REDIS_INGEST that this node received and did not write or publish.")
	descIngestSkipped = metricDesc("cluster_ingest_skipped_total",
		"Damaged messages of REDIS_INGEST that this node has passed over.")
	descBridgeLag = metricDesc("cluster_bridge_lag_seconds",
		"Time since this node had published all of the stream to servers with the pub/sub adapter; 0 "+
			"while another node does that.")
)

// clusterCollector exports what read returns. It reads once per scrape.
type clusterCollector func() Cluster

// WatchCluster adds the metrics of a node of a cluster. Call it once.
func (m *Metrics) WatchCluster(read func() Cluster) { m.registry.MustRegister(clusterCollector(read)) }

func (c clusterCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{descClusterUp, descClusterLag, descClusterLosses,
		descClusterSkipped, descClusterDropped, descIngestDropped, descIngestSkipped, descBridgeLag} {
		ch <- desc
	}
}

func (c clusterCollector) Collect(ch chan<- prometheus.Metric) {
	state, up := c(), 0.0
	if state.IsUp {
		up = 1
	}
	ch <- prometheus.MustNewConstMetric(descClusterUp, prometheus.GaugeValue, up)
	ch <- prometheus.MustNewConstMetric(descClusterLag, prometheus.GaugeValue, state.Lag.Seconds())
	ch <- prometheus.MustNewConstMetric(descBridgeLag, prometheus.GaugeValue, state.BridgeLag.Seconds())
	counter := func(desc *prometheus.Desc, n uint64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n))
	}
	counter(descClusterLosses, state.Losses)
	counter(descClusterSkipped, state.Skipped)
	counter(descClusterDropped, state.VolatileDropped)
	counter(descIngestDropped, state.IngestDropped)
	counter(descIngestSkipped, state.IngestSkipped)
}
