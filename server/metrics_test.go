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

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

func TestMetricsOfBothTransports(t *testing.T) {
	var m *Metrics
	s := newServiceStack(t, func(o *Options) {
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

	got := scrape(t, m.Handler())
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
	expectSeries(t, scrape(t, m.Handler()), map[string]float64{`roomcast_refusals_total{code="too_many_connections"}`: 2})
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
	expectSeries(t, scrape(t, m.Handler()), map[string]float64{`roomcast_panics_total`: 1, `roomcast_refusals_total{code="internal"}`: 1})
}

// The page for operators lists the metrics that there are, and no others.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`roomcast_[a-z_]+`)
	have, listed := map[string]bool{}, map[string]bool{}
	for series := range scrape(t, NewMetrics(newTestHub(t)).Handler()) {
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
