package metrics

import (
	"testing"

	"github.com/roomcast/roomcast/server/servertest"
)

func TestReceivers(t *testing.T) {
	t.Parallel()
	m := New(servertest.NewHub(t))
	m.WatchReceivers(func() []Receiver {
		return []Receiver{
			{Delivered: 7, Retried: 2, Dropped: map[string]uint64{"overflow": 3}, Queued: 3, QueuedBytes: 90,
				Unsaved: 1},
			{},
		}
	})
	servertest.ExpectSeries(t, servertest.Scrape(t, m.Handler()), map[string]float64{
		`roomcast_webhook_delivered_total{receiver="1"}`:                 7,
		`roomcast_webhook_delivered_total{receiver="2"}`:                 0,
		`roomcast_webhook_retried_total{receiver="1"}`:                   2,
		`roomcast_webhook_dropped_total{reason="overflow",receiver="1"}`: 3,
		`roomcast_webhook_queue_length{receiver="1"}`:                    3,
		`roomcast_webhook_queue_bytes{receiver="1"}`:                     90,
		`roomcast_webhook_queue_unsaved{receiver="1"}`:                   1,
	})
}
