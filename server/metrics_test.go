package server

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/metrics"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

func TestMetricsOfBothTransports(t *testing.T) {
	t.Parallel()
	var m *metrics.Metrics
	s := newServiceStack(t, func(o *socketio.Options) {
		m = metrics.New(o.Hub)
		o.Metrics = m
	})
	ws, _ := s.Connect(`{"userId":"u1"}`)
	res, err := servertest.HTTPClient().Get("http://" + s.Base + "/sse?userId=u1&channels=orders")
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
	n := notify.Notification{Type: "n"}
	if _, err := s.Hub.Publish(context.Background(), n, notify.ToUser("u1")); err != nil {
		t.Fatal(err)
	}
	ws.Event("n", nil)
	until("event: n")

	// Code unauthenticated.
	servertest.Do(t, "POST", "http://"+s.Base+"/v1/notifications", "{}")
	// Code not_found.
	servertest.Do(t, "GET", "http://"+s.Base+"/nowhere", "")
	// Code validation.
	servertest.Do(t, "GET", "http://"+s.Base+"/socket.io/?EIO=3&transport=polling", "")
	// Code validation.
	servertest.Do(t, "GET", "http://"+s.Base+"/sse?as=a&as=b", "")
	// Code forbidden.
	servertest.Do(t, "GET", "http://"+s.Base+"/socket.io/?EIO=4&transport=polling", "",
		"Origin: nope")
	// Code validation.
	ws.Send(`42["join-room",true]`)
	ws.Event("error", nil)
	ws.Send(`421["nobody-listens"]`) // unknown_event
	if text := ws.Read(); !strings.HasPrefix(text, "431[") {
		t.Fatalf("got %s", text)
	}
	refused := s.Dial("")
	refused.Send("40") // unauthenticated
	if text := refused.Read(); !strings.HasPrefix(text, "44") {
		t.Fatalf("got %s", text)
	}

	got := servertest.Scrape(t, m.Handler())
	servertest.ExpectSeries(t, got, map[string]float64{
		`roomcast_connections{transport="websocket"}`: 1,
		`roomcast_connections{transport="sse"}`:       1,
		`roomcast_connections{transport="polling"}`:   0,
		`roomcast_users`: 1, `roomcast_deliveries_total`: 2, `roomcast_lagging_members`: 0,
		`roomcast_gaps_total{reason="trimmed"}`:           0,
		`roomcast_refusals_total{code="unauthenticated"}`: 2,
		`roomcast_refusals_total{code="not_found"}`:       1,
		`roomcast_refusals_total{code="validation"}`:      3,
		`roomcast_refusals_total{code="forbidden"}`:       1,
		`roomcast_refusals_total{code="unknown_event"}`:   1,
		`roomcast_refusals_total{code="other"}`:           0, `roomcast_panics_total`: 0,
	})
	// A writer counts after the write, so the client can be faster.
	for _, transport := range []string{"websocket", "sse"} {
		servertest.Eventually(t, "the metrics count the writes of "+transport, func() bool {
			got = servertest.Scrape(t, m.Handler())
			return got[`roomcast_writes_total{transport="`+transport+`"}`] >= 2
		})
		if n := got[`roomcast_sent_bytes_total{transport="`+transport+`"}`]; n < 200 {
			t.Errorf("%v bytes by %s", n, transport)
		}
	}
}

func TestMetricsOfAFullServer(t *testing.T) {
	t.Parallel()
	limits := limit.New(limit.Options{MaxStreams: 1})
	admit := StreamAdmission(limits)
	m := metrics.New(servertest.NewHub(t))
	handler := edge.WithInfo(nil, withRefusals(m, func(*http.Request) bool { return false },
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = admit(r, auth.Identity{})
		})))
	for range 3 {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/sse", nil))
	}
	servertest.ExpectSeries(t, servertest.Scrape(t, m.Handler()),
		map[string]float64{`roomcast_refusals_total{code="too_many_connections"}`: 2})
}

func TestMetricsCountPanicsOnce(t *testing.T) {
	t.Parallel()
	m := metrics.New(servertest.NewHub(t))
	handler := edge.WithInfo(nil, withRefusals(m, func(*http.Request) bool { return false },
		edge.WithRecovery(zap.NewNop(),
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/abort" {
					panic(http.ErrAbortHandler) // this panic is not a defect
				}
				panic("defect")
			}))))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	func() {
		defer func() { _ = recover() }()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/abort", nil))
	}()
	servertest.ExpectSeries(t, servertest.Scrape(t, m.Handler()),
		map[string]float64{`roomcast_panics_total`: 1,
			`roomcast_refusals_total{code="internal"}`: 1})
}

// docs/operations.md lists all metrics, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`roomcast_[a-z_]+`)
	histogram := regexp.MustCompile(`(_seconds)_(bucket|sum|count)$`)
	have, listed := map[string]bool{}, map[string]bool{}
	m := metrics.New(servertest.NewHub(t))
	m.WatchMemory(limit.NewMemory(1000, 0, new(usage))) // without a limit it has no metrics
	m.WatchReceivers(func() []metrics.Receiver {
		return []metrics.Receiver{{Dropped: map[string]uint64{"overflow": 1}}}
	})
	m.WatchStorage(func() int64 { return 0 }, func() uint64 { return 0 }) // nor without DATA_DIR
	m.WatchCluster(func() metrics.Cluster { return metrics.Cluster{} })   // nor without REDIS_URL
	m.WatchGate(limit.NewGate(0, nil))                                    // nor in programs without a gate
	m.WatchTraces(func() (exported, failed, dropped uint64) { return })   // nor without TRACES
	m.WatchCertificate(func() time.Time { return time.Unix(1, 0) })       // nor without TLS
	m.Hooked("event", "ok", 0)                                            // nor without hooks
	m.SetBuild("1.2.3", "abc")
	m.WatchForwards(func() (int, map[string]uint64) { return 0, map[string]uint64{"answered": 1} })
	for series := range servertest.Scrape(t, m.Handler()) {
		if found := name.FindString(series); found != "" {
			have[histogram.ReplaceAllString(found, "$1")] = true
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `roomcast_.*").FindAllString(string(page), -1)
	for _, row := range rows {
		cell, _, _ := strings.Cut(row[2:], "|")
		if strings.Contains(cell, "rate(") || strings.ContainsAny(cell, "<>") {
			continue // an alert
		}
		for _, found := range name.FindAllString(cell, -1) {
			listed[found] = true
		}
	}
	if !maps.Equal(have, listed) {
		t.Errorf("the server has %v\nthe page lists %v", slices.Sorted(maps.Keys(have)),
			slices.Sorted(maps.Keys(listed)))
	}
}
