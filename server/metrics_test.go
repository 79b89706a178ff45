package server

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// scrape returns the values of all series by name and labels.
func scrape(t testing.TB, m *Metrics) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	series := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if name == "#" || !ok {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		series[name] = value
	}
	return series
}

func expectSeries(t testing.TB, got map[string]float64, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, value)
		}
	}
}

func TestMetricsOfBothTransports(t *testing.T) {
	var m *Metrics
	s := newStack(t, func(o *Options) {
		m = NewMetrics(o.Hub)
		o.Metrics = m
	})
	ws, _ := s.connect(`{"userId":"u1"}`)
	res, err := testClient().Get("http://" + s.base + "/sse?userId=u1&channels=orders")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	stream := bufio.NewScanner(res.Body)
	until := func(line string) {
		t.Helper()
		for stream.Scan() {
			if stream.Text() == line {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", line, stream.Err())
	}
	until("event: connected")
	if _, err := s.hub.Publish(context.Background(), notify.Notification{Type: "n"}, notify.ToUser("u1")); err != nil {
		t.Fatal(err)
	}
	ws.event("n", nil)
	until("event: n")

	do(t, "POST", "http://"+s.base+"/v1/notifications", "{}")                                // unauthenticated
	do(t, "GET", "http://"+s.base+"/nowhere", "")                                            // not_found
	do(t, "GET", "http://"+s.base+"/socket.io/?EIO=3&transport=polling", "")                 // validation
	do(t, "GET", "http://"+s.base+"/sse?as=a&as=b", "")                                      // validation
	do(t, "GET", "http://"+s.base+"/socket.io/?EIO=4&transport=polling", "", "Origin: nope") // forbidden
	ws.send(`42["join-room",7]`)                                                             // validation
	ws.event("error", nil)
	ws.send(`421["nobody-listens"]`) // unknown_event
	if text := ws.read(); !strings.HasPrefix(text, "431[") {
		t.Fatalf("got %s", text)
	}
	refused := s.dial("")
	refused.send("40") // unauthenticated
	if text := refused.read(); !strings.HasPrefix(text, "44") {
		t.Fatalf("got %s", text)
	}

	got := scrape(t, m)
	expectSeries(t, got, map[string]float64{
		`roomcast_connections{transport="websocket"}`: 1, `roomcast_connections{transport="sse"}`: 1, `roomcast_connections{transport="polling"}`: 0,
		`roomcast_users`: 1, `roomcast_deliveries_total`: 2, `roomcast_lagging_members`: 0, `roomcast_gaps_total{reason="trimmed"}`: 0,
		`roomcast_refusals_total{code="unauthenticated"}`: 2, `roomcast_refusals_total{code="not_found"}`: 1,
		`roomcast_refusals_total{code="validation"}`: 3, `roomcast_refusals_total{code="forbidden"}`: 1,
		`roomcast_refusals_total{code="unknown_event"}`: 1, `roomcast_refusals_total{code="other"}`: 0, `roomcast_panics_total`: 0,
	})
	for _, transport := range []string{"websocket", "sse"} {
		if n := got[`roomcast_sent_bytes_total{transport="`+transport+`"}`]; n < 200 {
			t.Errorf("%v bytes by %s", n, transport)
		}
		if n := got[`roomcast_writes_total{transport="`+transport+`"}`]; n < 2 {
			t.Errorf("%v writes by %s", n, transport)
		}
	}
}

func TestMetricsOfAFullServer(t *testing.T) {
	limits := NewLimiter(LimitOptions{MaxStreams: 1})
	admit := StreamAdmission(limits)
	m := NewMetrics(newTestHub(t))
	handler := withRequestInfo(nil, withRefusals(m, func(*http.Request) bool { return false },
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = admit(r, auth.Identity{}) })))
	for range 3 {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/sse", nil))
	}
	expectSeries(t, scrape(t, m), map[string]float64{`roomcast_refusals_total{code="too_many_connections"}`: 2})
}

func TestMetricsCountPanicsOnce(t *testing.T) {
	m := NewMetrics(newTestHub(t))
	handler := withRequestInfo(nil, withRefusals(m, func(*http.Request) bool { return false },
		withRecovery(zap.NewNop(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				panic(http.ErrAbortHandler) // a handler's own wish
			}
			panic("defect")
		}))))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	func() {
		defer func() { _ = recover() }()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/abort", nil))
	}()
	expectSeries(t, scrape(t, m), map[string]float64{`roomcast_panics_total`: 1, `roomcast_refusals_total{code="internal"}`: 1})
}

func TestWrittenLosesNothing(t *testing.T) {
	m := NewMetrics(newTestHub(t))
	const writers, each = 8, 4000
	since := time.Now().Add(-3 * time.Second)
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				m.Written("polling", 3, since)
			}
			m.Written("pigeon", 1000, since) // none of ours
			m.Written("sse", 7, time.Time{}) // nothing to measure
		})
	}
	all.Wait()
	got := scrape(t, m)
	expectSeries(t, got, map[string]float64{
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
	none.Refused(codeInternal)
	none.Panicked()
}

// What clients and backends choose is no label: the number of series does not
// depend on them.
func TestSeriesDoNotGrow(t *testing.T) {
	hub := newTestHub(t)
	m := NewMetrics(hub)
	before := len(scrape(t, m))
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
	got := scrape(t, m)
	if len(got) != before {
		t.Errorf("%d series, %d before", len(got), before)
	}
	expectSeries(t, got, map[string]float64{`roomcast_users`: users / 2, `roomcast_refusals_total{code="other"}`: users})
}

func BenchmarkWritten(b *testing.B) {
	m := NewMetrics(newTestHub(b))
	since := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Written("websocket", 200, since)
		}
	})
}

func BenchmarkScrape(b *testing.B) {
	hub := newTestHub(b)
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
	m := NewMetrics(hub)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			m.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
		}
	})
}

// The page for operators lists the metrics that there are, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`roomcast_[a-z_]+`)
	have, listed := map[string]bool{}, map[string]bool{}
	for series := range scrape(t, NewMetrics(newTestHub(t))) {
		if found := name.FindString(series); found != "" {
			have[regexp.MustCompile(`(_seconds)_(bucket|sum|count)$`).ReplaceAllString(found, "$1")] = true
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `roomcast_.*").FindAllString(string(page), -1) {
		cell, _, _ := strings.Cut(row[2:], "|")
		if strings.Contains(cell, "rate(") || strings.ContainsAny(cell, "<>") {
			continue // an alert
		}
		for _, found := range name.FindAllString(cell, -1) {
			listed[found] = true
		}
	}
	if !maps.Equal(have, listed) {
		t.Errorf("there are %v\nlisted are %v", slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(listed)))
	}
}
