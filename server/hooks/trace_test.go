package hooks

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/server/servertest"
)

// steps is a Tracer that writes down its calls.
type steps struct {
	mu  sync.Mutex
	all []string
}

func (s *steps) add(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, step)
}

func (s *steps) has(want string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, step := range s.all {
		if step == want {
			return true
		}
	}
	return false
}

type stepKey struct{}

func (s *steps) Event(ctx context.Context, kind string) (context.Context, func(string)) {
	return context.WithValue(ctx, stepKey{}, kind), func(outcome string) { s.add(kind + " ended " + outcome) }
}

func (s *steps) Send(ctx context.Context, hook string, header http.Header) func(int, string) {
	of, _ := ctx.Value(stepKey{}).(string)
	header.Set("Traceparent", "trace of "+hook+" in "+of)
	return func(status int, outcome string) {
		s.add(hook + " " + http.StatusText(status) + " " + outcome)
	}
}

// tripper is a transport that looks at requests.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Requests carry the traceparent that the Tracer adds, and their outcomes end the spans.
func TestRequestsAreTraced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		batch         int
		header, steps string
	}{{1, "trace of event in event", "event OK "}, {10, "trace of events in ", "events OK "}} {
		tracer, headers := &steps{}, make(chan string, 1)
		s := newStack(t, func(o *Options) {
			o.Tracer, o.Events.Batch = tracer, c.batch
			network := &http.Transport{DisableKeepAlives: true}
			o.transport = tripper(func(r *http.Request) (*http.Response, error) {
				headers <- r.Header.Get("Traceparent")
				return network.RoundTrip(r)
			})
		})
		client, _ := s.Connect(`{"userId":"u1"}`)
		s.app.says(`{"ack":[]}`)
		client.Send(`421["e"]`)
		if got := client.Read(); got != "431[]" {
			t.Errorf("acknowledged %s", got)
		}
		if got := servertest.Receive(t, headers); got != c.header {
			t.Errorf("got %q, want %q", got, c.header)
		}
		servertest.Eventually(t, "both spans end", func() bool {
			return tracer.has(c.steps) && tracer.has("event ended ")
		})
	}
}

func TestWebhooksAreTraced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracer := &steps{}
		var header string
		r := newHookRig(t, func(o *Options) {
			o.Tracer = tracer
			network := o.transport
			o.transport = tripper(func(r *http.Request) (*http.Response, error) {
				header = r.Header.Get("Traceparent")
				return network.RoundTrip(r)
			})
		})
		defer r.close()
		r.attach("c1", "u1")
		time.Sleep(time.Minute)
		synctest.Wait()
		if header != "trace of webhook in " || !tracer.has("webhook OK ") &&
			!tracer.has("webhook No Content ") {
			t.Errorf("header %q, steps %q", header, tracer.all)
		}
	})
}
