package metrics

import (
	"testing"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestCluster(t *testing.T) {
	t.Parallel()
	m := New(servertest.NewHub(t))
	state := Cluster{IsUp: true, Lag: 1500 * time.Millisecond, Losses: 1, Skipped: 2, VolatileDropped: 3,
		IngestDropped: 4, IngestSkipped: 5, BridgeLag: 2500 * time.Millisecond}
	m.WatchCluster(func() Cluster { return state })
	servertest.ExpectSeries(t, servertest.Scrape(t, m.Handler()), map[string]float64{
		"roomcast_cluster_up":                     1,
		"roomcast_cluster_lag_seconds":            1.5,
		"roomcast_cluster_losses_total":           1,
		"roomcast_cluster_skipped_total":          2,
		"roomcast_cluster_volatile_dropped_total": 3,
		"roomcast_cluster_ingest_dropped_total":   4,
		"roomcast_cluster_ingest_skipped_total":   5,
		"roomcast_cluster_bridge_lag_seconds":     2.5,
	})
	state = Cluster{}
	servertest.ExpectSeries(t, servertest.Scrape(t, m.Handler()), map[string]float64{
		"roomcast_cluster_up": 0, "roomcast_cluster_lag_seconds": 0,
	})
}
