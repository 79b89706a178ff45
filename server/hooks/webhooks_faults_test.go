package hooks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
)

// sendTo returns webhooks on real sockets. A batch is sent once, unless change says otherwise.
func sendTo(t *testing.T, urls []string, change func(*Options)) (
	*Webhooks, *inbox, *observer.ObservedLogs,
) {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	counts := &inbox{t: t}
	o := DefaultOptions()
	o.Secrets, o.AllowPrivate = []auth.Secret{auth.Secret(testSecret)}, true
	o.Metrics, o.Log = counts, zap.New(core)
	o.Webhooks.URLs, o.Webhooks.Retry = urls, 0
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w, err := h.Webhooks(servertest.NewHub(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.Drain(ctx)
	})
	return w, counts, logs
}

func emitMany(w *Webhooks, n int) {
	for i := range n {
		w.emit("t", time.Now(), newObject(32).number("n", int64(i)))
	}
}

// What goes wrong on a real connection: it is counted and logged, and nothing of it reaches another
// address.
func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	elsewhere := make(chan string, 10)
	other := "http://" + servertest.Serve(t, http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) { elsewhere <- r.URL.String() }))
	for name, tt := range map[string]struct {
		url     string // "": a receiver with the answer
		answer  http.HandlerFunc
		private bool
		outcome string
		reason  string
	}{
		"500": {"", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, true,
			"status", "the status 500"},
		"redirect": {"", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other, http.StatusTemporaryRedirect)
		}, true, "status", "the status 307"},
		"redirect to metadata": {"", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, true, "status", "the status 302"},
		"hangs": {"", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, true,
			"timeout", "no answer in time"},
		"closes": {"", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true,
			"unreachable", ""},
		"metadata":             {"http://169.254.169.254/latest/", nil, true, "refused", "169.254.169.254 is not"},
		"metadata in IPv6":     {"http://[fd00:ec2::254]/", nil, true, "refused", "is not an address"},
		"this machine":         {other, nil, false, "refused", "127.0.0.1 is not an address"},
		"nobody listens":       {"http://127.0.0.1:1/", nil, true, "unreachable", "refused"},
		"no name of a machine": {"http://receiver.invalid/", nil, true, "unreachable", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := tt.url
			if url == "" {
				url = "http://" + servertest.Serve(t, http.HandlerFunc(func(
					w http.ResponseWriter, r *http.Request,
				) {
					_, _ = io.Copy(io.Discard, r.Body)
					tt.answer(w, r)
				}))
			}
			w, counts, logs := sendTo(t, []string{url}, func(o *Options) {
				o.AllowPrivate = tt.private
				if tt.outcome == "timeout" {
					o.Webhooks.Timeout = 20 * time.Millisecond
				}
			})
			emitMany(w, 200)
			servertest.Eventually(t, "both batches are given up", func() bool {
				return w.Stats()[0].Dropped[dropExpired] == 200
			})
			if counts.outcomes["webhook "+tt.outcome] != 2 {
				t.Errorf("counted %v, want two times %s", counts.outcomes, tt.outcome)
			}
			lines := logs.FilterMessage("hook failed").All()
			if len(lines) != 1 || !strings.Contains(lines[0].ContextMap()["reason"].(string), tt.reason) {
				t.Errorf("log %+v, want %q once", lines, tt.reason)
			}
		})
	}
	t.Cleanup(func() {
		if len(elsewhere) > 0 {
			t.Errorf("a request went to %s", <-elsewhere)
		}
	})
}

// A receiver on a real connection fails three times, and then gets everything once more in order.
// An answer that never ends counts by its status.
func TestWebhookReceiverThatRecovers(t *testing.T) {
	t.Parallel()
	const failures = 3
	var asked atomic.Int32
	requests := make(chan string, 100)
	url := "http://" + servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- r.Header.Get("webhook-id") + " " + string(body)
		if asked.Add(1) <= failures {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	w, _, _ := sendTo(t, []string{url}, func(o *Options) { o.Webhooks.Retry = time.Hour })
	emitMany(w, 200)
	first := servertest.Receive(t, requests)
	for range failures {
		if again := servertest.Receive(t, requests); again != first {
			t.Fatalf("the next attempt is\n%s, the first was\n%s", again, first)
		}
	}
	second := servertest.Receive(t, requests)
	if !strings.Contains(first, `{"n":0}`) || !strings.Contains(second, `{"n":100}`) {
		t.Errorf("batches\n%.300s\n%.300s", first, second)
	}
	servertest.Eventually(t, "all events are delivered", func() bool {
		s := w.Stats()[0]
		return s.Delivered == 200 && s.Retried == failures
	})
}

// An error of the options names what is wrong.
func TestWebhookOptions(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"no time":      func(o *Options) { o.Webhooks.Timeout = 0 },
		"or no events": func(o *Options) { o.Webhooks.Events = nil },
	} {
		o := DefaultOptions()
		o.Secrets = []auth.Secret{auth.Secret(testSecret)}
		change(&o)
		h, err := New(o)
		if err == nil {
			_, err = h.Webhooks(servertest.NewHub(t))
		}
		if err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "30": 30 * time.Second, "-1": 0, "1.5": 0, "99999999999999999999": 0, "soon": 0,
		"Sun, 22 Nov 2026 10:01:00 GMT": time.Minute, "Sun, 22 Nov 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
	for attempt := range 100 {
		if d := backoff(attempt); d < firstBackoff/2 || d > maxBackoff {
			t.Errorf("attempt %d waits %v", attempt, d)
		}
	}
}
