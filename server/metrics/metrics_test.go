package metrics

import (
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

func TestWrittenLosesNothing(t *testing.T) {
	m := New(servertest.NewHub(t))
	const writers, each = 8, 4000
	since := time.Now().Add(-3 * time.Second)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				m.Written("polling", 3, since)
			}
			m.Written("pigeon", 1000, since) // an unknown transport
			m.Written("sse", 7, time.Time{}) // nothing to measure
		})
	}
	all.Wait()
	got := servertest.Scrape(t, m.Handler())
	servertest.ExpectSeries(t, got, map[string]float64{
		`roomcast_sent_bytes_total{transport="polling"}`: 3 * writers * each, `roomcast_writes_total{transport="polling"}`: writers * each,
		`roomcast_sent_bytes_total{transport="sse"}`: 7 * writers, `roomcast_publish_to_written_seconds_count{transport="sse"}`: 0,
		`roomcast_publish_to_written_seconds_bucket{transport="polling",le="2.5"}`: 0,
	})
	const expected = writers * each / measured
	if n := got[`roomcast_publish_to_written_seconds_bucket{transport="polling",le="5"}`]; n < expected*0.8 || n > expected*1.2 {
		t.Errorf("%v writes were measured, want about %v", n, expected)
	}
	var none *Metrics
	none.Written("sse", 1, since)
	none.Refused(edge.CodeInternal)
	none.Panicked()
}

// No label has a value that clients or backends choose, so they cannot increase the number of
// series.
func TestSeriesDoNotGrow(t *testing.T) {
	hub := servertest.NewHub(t)
	m := New(hub)
	before := len(servertest.Scrape(t, m.Handler()))
	const users = 100_000
	for i := range users {
		name := fmt.Sprint("u", i)
		member, err := hub.Attach(notify.Attachment{ClientID: name, UserID: name, Rooms: []string{"room-" + name}, Transport: name})
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			member.Detach()
		}
		m.Written(name, 1, time.Now())
		m.Refused(name)
	}
	got := servertest.Scrape(t, m.Handler())
	if len(got) != before {
		t.Errorf("%d series, %d before", len(got), before)
	}
	servertest.ExpectSeries(t, got, map[string]float64{`roomcast_users`: users / 2, `roomcast_refusals_total{code="other"}`: users})
}

func BenchmarkWritten(b *testing.B) {
	m := New(servertest.NewHub(b))
	since := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Written("websocket", 200, since)
		}
	})
}

func BenchmarkScrape(b *testing.B) {
	hub := servertest.NewHub(b)
	for i := range 100_000 {
		if _, err := hub.Attach(notify.Attachment{ClientID: fmt.Sprint(i), UserID: fmt.Sprint("u", i/3), Transport: "sse"}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			hub.Stats()
		}
	})
	m := New(hub)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			m.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
		}
	})
}
