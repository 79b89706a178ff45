package hooks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// The bytes of every event.
func TestWebhookEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		m := r.attach("c1", "u1", "orders")
		admin, err := r.hub.Attach(notify.Attachment{ClientID: "c2", Namespace: "/admin",
			Transport: "polling", Rooms: []string{"/admin#room"}})
		if err != nil {
			t.Fatal(err)
		}
		publish := func(to notify.Target, n notify.Notification) {
			if _, err := r.hub.Publish(t.Context(), n, to); err != nil {
				t.Fatal(err)
			}
		}
		n := notify.Notification{Type: "order:new", Data: []byte(`{"n":1.50}`)}
		publish(notify.ToUsers("u1", "u2", "u3"), n)
		publish(notify.ToChannels("orders", "empty"), n)
		publish(notify.ToClient("c9"), notify.Notification{Type: "large",
			Data: []byte(`"` + strings.Repeat("x", maxShown) + `"`)})
		r.undelivered(notify.Undelivered{Asked: 2, Rooms: []string{"/n#*"}, Message: &notify.Message{
			Namespace: "/n", Type: "q", Args: []byte("[1]"), Timestamp: time.Now(), Volatile: true}})
		time.Sleep(90 * time.Second)
		m.Detach()
		admin.Detach()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		epoch := r.hub.Head().String()[:8]
		at := func(seconds int) string {
			return notify.Timestamp(time.Date(2000, 1, 1, 0, 0, seconds, 0, time.UTC))
		}
		message := `"type":"order:new","data":{"n":1.50},"timestamp":"` + at(0) + `"`
		want := []string{
			`channel.occupied {"channel":"orders","since":"` + at(0) + `"}`,
			`connection.opened {"connection":{"id":"c1","namespace":"/","userId":"u1",` +
				`"username":"u1","transport":"websocket"},"recovered":false}`,
			`user.online {"userId":"u1","username":"u1","since":"` + at(0) + `"}`,
			`connection.opened {"connection":{"id":"c2","namespace":"/admin",` +
				`"transport":"polling"},"recovered":false}`,
			`notification.undelivered {"reason":"unconnected","namespace":"/","notification":` +
				`{"id":"` + epoch + `-1",` + message + `},"unreached":{"users":["u2","u3"]}}`,
			`notification.undelivered {"reason":"unconnected","namespace":"/","notification":` +
				`{"id":"` + epoch + `-2",` + message +
				`,"metadata":{"channels":["orders","empty"]}},"unreached":{"channels":["empty"]}}`,
			`notification.undelivered {"reason":"unconnected","namespace":"/","notification":` +
				`{"id":"` + epoch + `-3","type":"large","timestamp":"` + at(0) +
				`","omittedBytes":16386},"unreached":{"clients":["c9"]}}`,
			`notification.undelivered {"reason":"unacknowledged","namespace":"/n","notification":` +
				`{"type":"q","data":1,"timestamp":"` + at(0) + `"},"unreached":{"all":true},"asked":2}`,
			`connection.closed {"connection":{"id":"c1","namespace":"/","userId":"u1",` +
				`"username":"u1","transport":"websocket"},"reason":"transport close",` +
				`"connectedAt":"` + at(0) + `","durationMs":90000}`,
			`connection.closed {"connection":{"id":"c2","namespace":"/admin",` +
				`"transport":"polling"},"reason":"forced close","connectedAt":"` + at(0) +
				`","durationMs":90000}`,
			`channel.vacated {"channel":"orders","since":"` + at(90) + `"}`,
			`user.offline {"userId":"u1","username":"u1","since":"` + at(90) + `"}`,
		}
		if got := r.inbox.texts(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for i, e := range r.inbox.events() {
			if wantID := "evt_" + r.instance + "_"; !strings.HasPrefix(e.ID, wantID) {
				t.Errorf("event %d has the id %s", i, e.ID)
			}
		}
		last := r.inbox.events()[len(want)-2:]
		if last[0].Timestamp != at(93) || last[1].Timestamp != at(95) {
			t.Errorf("delays: %+v", last)
		}
	})
}

// Only the events that were chosen are sent, and only these are observed.
func TestWebhookEventsAreChosen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, func(o *Options) {
			o.Webhooks.Events = []string{connectionClosed, channelOccupied}
		})
		defer r.close()
		m := r.attach("c1", "u1", "orders")
		if _, err := r.hub.Publish(t.Context(), notify.Text("hello"), notify.ToUser("u2")); err != nil {
			t.Fatal(err)
		}
		m.Detach()
		time.Sleep(time.Minute)
		synctest.Wait()
		var types []string
		for _, e := range r.inbox.events() {
			types = append(types, e.Type)
		}
		if want := []string{channelOccupied, connectionClosed}; !slices.Equal(types, want) {
			t.Errorf("got %q, want %q", types, want)
		}
	})
}

// A notification to many users has several events, each of which a receiver accepts.
func TestUndeliveredToManyUsers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		users := make([]string, 1000)
		for i := range users {
			users[i] = fmt.Sprint(strings.Repeat("u", 120), "-", i)
		}
		n := notify.Notification{Type: "t", Data: []byte(`"` + strings.Repeat("x", 16000) + `"`)}
		if _, err := r.hub.Publish(t.Context(), n, notify.ToUsers(users...)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		found := 0
		for _, e := range r.inbox.events() {
			found += strings.Count(string(e.Data), "uuu-")
		}
		if found != len(users) || len(r.inbox.events()) != 10 {
			t.Errorf("%d users in %d events", found, len(r.inbox.events()))
		}
		for _, request := range r.inbox.got() {
			if len(request.body) > 100<<10 {
				t.Errorf("a request has %d bytes", len(request.body))
			}
		}
	})
}

// A batch has at most 100 events and is sent at once when it is full, else after a second.
func TestWebhookBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		start := time.Now()
		r.emitted(0, 1)
		time.Sleep(300 * time.Millisecond)
		r.emitted(1, 1)
		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		r.emitted(2, 250)
		time.Sleep(time.Minute)
		synctest.Wait()
		expectNumbers(t, r.inbox.events(), sequence(0, 252))
		var sizes []int
		var times []time.Duration
		ids := map[string]bool{}
		for _, request := range r.inbox.got() {
			sizes, times = append(sizes, len(request.events)), append(times, request.at.Sub(start))
			ids[request.id] = true
		}
		if !slices.Equal(sizes, []int{2, 100, 100, 50}) || len(ids) != 4 {
			t.Errorf("batches of %v", sizes)
		}
		want := []time.Duration{time.Second, time.Second, time.Second, 2 * time.Second}
		if !slices.Equal(times, want) {
			t.Errorf("sent after %v, want %v", times, want)
		}
		if s := r.Stats()[0]; s.Delivered != 252 || s.Queued != 0 || s.QueuedBytes != 0 || s.Retried != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A batch that fails is sent again with the same id and bytes, later and later, before the next
// events. Retry-After is respected. Failures are counted, and logged once a minute each.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		after := http.Header{"Retry-After": {"40"}}
		date := http.Header{"Retry-After": {
			time.Now().Add(200 * time.Second).UTC().Format(http.TimeFormat)}}
		answers := []func() (int, http.Header, error){
			func() (int, http.Header, error) { return 500, nil, nil },
			func() (int, http.Header, error) { return 0, nil, errors.New("connection refused") },
			func() (int, http.Header, error) { return 429, after, nil },
			func() (int, http.Header, error) { return 0, nil, nil }, // no answer
			func() (int, http.Header, error) { return 302, http.Header{"Location": {"/"}}, nil },
			func() (int, http.Header, error) { return 404, nil, nil },
			func() (int, http.Header, error) { return 503, date, nil },
			func() (int, http.Header, error) { return 200, nil, nil },
		}
		r.inbox.answer = func(n int, _ hookRequest) (int, http.Header, error) {
			if n >= len(answers) {
				return 204, nil, nil
			}
			return answers[n]()
		}
		r.emitted(0, 100)
		time.Sleep(500 * time.Millisecond)
		r.emitted(100, 20)
		time.Sleep(time.Hour)
		synctest.Wait()
		requests := r.inbox.got()
		if len(requests) != 9 {
			t.Fatalf("%d requests", len(requests))
		}
		start := requests[0].at
		for i, request := range requests[:8] {
			if request.id != requests[0].id || request.body != requests[0].body {
				t.Errorf("attempt %d differs from the first", i)
			}
		}
		type bounds struct{ least, most time.Duration }
		for i, want := range []bounds{
			{500 * time.Millisecond, time.Second}, {time.Second, 2 * time.Second},
			{40 * time.Second, 40 * time.Second}, // Retry-After
			{19 * time.Second, 23 * time.Second}, // 15 s without an answer, and 4 to 8 s
			{8 * time.Second, 16 * time.Second},
			{16 * time.Second, 32 * time.Second},
			{30 * time.Second, 200 * time.Second},
		} {
			wait := requests[i+1].at.Sub(requests[i].at)
			if wait < want.least || wait > want.most {
				t.Errorf("wait %d is %v, want %v", i+1, wait, want)
			}
		}
		if until := requests[7].at.Sub(start); until < 200*time.Second {
			t.Errorf("a Retry-After with a date was not respected: after %v", until)
		}
		expectNumbers(t, r.inbox.events(), sequence(0, 120))
		if s := r.Stats()[0]; s.Retried != 7 || s.Delivered != 120 || r.count(dropExpired) != 0 {
			t.Errorf("stats %+v", s)
		}
		for outcome, want := range map[string]int{"webhook status": 5, "webhook unreachable": 1,
			"webhook timeout": 1, "webhook ok": 2} {
			if got := r.inbox.outcomes[outcome]; got != want {
				t.Errorf("%s was counted %d times, want %d", outcome, got, want)
			}
		}
		if lines := r.logs.FilterMessage("hook failed").Len(); lines < 3 || lines > 7 {
			t.Errorf("%d lines in the log", lines)
		}
	})
}

// After WEBHOOK_RETRY, with a last attempt at its end, the batch is dropped. The next one says so.
func TestWebhookGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		r.inbox.answer = func(_ int, request hookRequest) (int, http.Header, error) {
			if numbers(t, request.events)[0] < 100 {
				return 500, http.Header{"Retry-After": {"100000"}}, nil
			}
			return 200, nil, nil
		}
		r.emitted(0, 100)
		r.emitted(100, 30)
		time.Sleep(time.Hour)
		synctest.Wait()
		requests := r.inbox.got()
		if len(requests) != 3 || requests[1].at.Sub(requests[0].at) != 15*time.Minute {
			t.Fatalf("%d requests, the second one after %v", len(requests),
				requests[1].at.Sub(requests[0].at))
		}
		if requests[2].dropped != 100 || r.count(dropExpired) != 100 {
			t.Errorf("%d dropped, %d counted", requests[2].dropped, r.count(dropExpired))
		}
		expectNumbers(t, r.inbox.events(), sequence(100, 30))
		if lines := r.logs.FilterMessage("webhooks dropped").All(); len(lines) != 1 ||
			lines[0].ContextMap()["reason"] != dropExpired ||
			lines[0].ContextMap()["events"] != int64(100) {
			t.Errorf("log %+v", lines)
		}
	})
}

// With WEBHOOK_RETRY=0 a batch is sent once.
func TestWebhookWithoutRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, func(o *Options) { o.Webhooks.Retry = 0 })
		defer r.close()
		r.inbox.answer = func(n int, _ hookRequest) (int, http.Header, error) {
			return []int{500, 200}[n], nil, nil
		}
		r.emitted(0, 200)
		synctest.Wait()
		expectNumbers(t, r.inbox.events(), sequence(100, 100))
		if r.count(dropExpired) != 100 || r.Stats()[0].Retried != 0 {
			t.Errorf("stats %+v", r.Stats())
		}
	})
}

// A receiver that answers 410 gets nothing more.
func TestWebhookGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		r.inbox.answer = func(n int, _ hookRequest) (int, http.Header, error) {
			return []int{200, 410}[n], nil, nil
		}
		r.emitted(0, 250)
		time.Sleep(time.Hour)
		r.emitted(250, 10)
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := r.Stats()[0]; len(r.inbox.got()) != 2 || s.Delivered != 100 ||
			s.Dropped[dropGone] != 160 || s.Queued != 0 || s.QueuedBytes != 0 {
			t.Errorf("%d requests, stats %+v", len(r.inbox.got()), s)
		}
		lines := r.logs.All()
		if len(lines) != 2 || !strings.Contains(lines[1].Message, "410 Gone") {
			t.Errorf("log %+v", lines)
		}
	})
}

// A full queue drops its oldest events, counts them exactly, and logs it once a minute.
func TestWebhookOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		r.inbox.answer = func(n int, _ hookRequest) (int, http.Header, error) {
			if n == 0 {
				time.Sleep(10 * time.Second) // one batch is on its way
			}
			return 200, nil, nil
		}
		r.emitted(0, 100)
		synctest.Wait()
		r.emitted(100, maxQueued+234)
		if s := r.Stats()[0]; s.Queued != maxQueued || s.Dropped[dropOverflow] != 334 {
			t.Errorf("stats %+v", s)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		expectNumbers(t, r.inbox.events(), slices.Concat(sequence(0, 100), sequence(434, maxQueued-100)))
		if dropped := r.inbox.got()[1].dropped; dropped != 334 {
			t.Errorf("the batch after the loss says that %d were dropped", dropped)
		}
		if dropped := r.inbox.got()[2].dropped; dropped != 0 {
			t.Errorf("the next batch says so again: %d", dropped)
		}
		if s := r.Stats()[0]; s.Delivered != maxQueued || s.Queued != 0 || s.QueuedBytes != 0 {
			t.Errorf("stats %+v", s)
		}
		if lines := r.logs.FilterMessage("webhooks dropped").Len(); lines != 1 {
			t.Errorf("%d lines in the log", lines)
		}
	})
}

// Receivers are independent: one that hangs delays no other.
func TestReceiversAreIndependent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, func(o *Options) {
			o.Webhooks.URLs = []string{"http://hangs.test/", "http://receiver.test/"}
		})
		defer r.close()
		r.sender.client.Transport = perHost{"hangs.test": &inbox{t: t,
			answer: func(int, hookRequest) (int, http.Header, error) { return 0, nil, nil }},
			"receiver.test": r.inbox}
		for i := range 100 {
			r.emitted(100*i, 100)
			synctest.Wait()
		}
		expectNumbers(t, r.inbox.events(), sequence(0, 10_000))
		if s := r.Stats(); s[0].Queued != 10_000 || s[1].Queued != 0 || s[1].Delivered != 10_000 {
			t.Errorf("stats %+v", s)
		}
	})
}

type perHost map[string]http.RoundTripper

func (p perHost) RoundTrip(r *http.Request) (*http.Response, error) {
	return p[r.URL.Host].RoundTrip(r)
}

// Drain sends everything that is queued, without the waits for full batches and for the next
// attempt, until its context is done. The rest is counted and logged.
func TestWebhookDrain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer   func(n int, r hookRequest) (int, http.Header, error)
		stopped  int
		requests int // 0: any number
	}{
		"all": {nil, 0, 3},
		"in a wait": {func(n int, _ hookRequest) (int, http.Header, error) {
			return []int{503, 200, 200, 200}[n], http.Header{"Retry-After": {"600"}}, nil
		}, 0, 4},
		"fails once more": {func(n int, _ hookRequest) (int, http.Header, error) {
			return []int{500, 500, 200, 200, 200}[n], nil, nil
		}, 0, 0},
		"never answers": {func(int, hookRequest) (int, http.Header, error) { return 0, nil, nil },
			250, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newHookRig(t, nil)
				defer r.close()
				r.inbox.answer = tt.answer
				r.emitted(0, 250)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				r.Drain(ctx)
				if took := time.Since(start); took > 5*time.Second || tt.requests == 3 && took > 0 {
					t.Errorf("took %v", took)
				}
				if tt.requests > 0 && len(r.inbox.got()) != tt.requests {
					t.Errorf("%d requests, want %d", len(r.inbox.got()), tt.requests)
				}
				expectNumbers(t, r.inbox.events(), sequence(0, 250-tt.stopped))
				lines := r.logs.FilterMessage("webhooks dropped").All()
				if r.count(dropStopped) != uint64(tt.stopped) || (len(lines) > 0) != (tt.stopped > 0) {
					t.Errorf("stats %+v, log %+v", r.Stats(), lines)
				}
				r.emitted(250, 3) // too late
				if s := r.Stats()[0]; s.Dropped[dropStopped] != uint64(tt.stopped+3) || s.Queued != 0 {
					t.Errorf("stats %+v", s)
				}
			})
		})
	}
}

// What ends because the server stops is a closed connection, but no absence.
func TestWebhooksOfAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newHookRig(t, nil)
		defer r.close()
		m := r.attach("c1", "u1", "orders")
		r.users.Stop()
		r.Stopping()
		m.Detach()
		time.Sleep(20 * time.Second)
		r.Drain(t.Context())
		var types []string
		for _, e := range r.inbox.events() {
			types = append(types, e.Type)
		}
		want := []string{channelOccupied, connectionOpened, userOnline, connectionClosed}
		if !slices.Equal(types, want) {
			t.Errorf("got %q, want %q", types, want)
		}
	})
}
