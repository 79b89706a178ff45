package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/servertest"
)

// A hundred concurrent requests with the same key publish one notification and get the same
// response.
func TestIdempotencyParallel(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := serveHub(t, hub)
	m := servertest.Attach(t, hub, "c1", "u1")
	const body = `{"target":{"user":"u1"},"type":"x","data":{"n":1}}`
	answers := make([]string, 100)
	var replayed atomic.Int32
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			status, text, header := post(t, base+"/v1/notifications", body,
				"Idempotency-Key: order-17")
			if status != 200 {
				t.Errorf("%d %s", status, text)
			}
			if header.Get("Idempotent-Replayed") == "true" {
				replayed.Add(1)
			}
			answers[i] = text
		})
	}
	wg.Wait()
	want := fmt.Sprintf(`{"id":"%s","delivered":1,"users":1,"channels":0,"stored":true}`+"\n",
		hub.Head())
	for _, text := range answers {
		if text != want {
			t.Fatalf("got %s, want %s", text, want)
		}
	}
	var got [8]notify.Delivery
	if n, _ := m.Pull(got[:]); n != 1 || replayed.Load() != 99 {
		t.Errorf("the member got %d notifications, %d responses are marked as replayed", n,
			replayed.Load())
	}
}

func TestIdempotencyRules(t *testing.T) {
	t.Parallel()
	hub := servertest.NewHub(t)
	base := "http://" + servertest.Serve(t,
		edge.WithInfo(nil, New(testOptions(hub, servertest.Key, otherKey))))
	const url, body = "/v1/notifications", `{"target":{"user":"u1"},"type":"x"}`
	send := func(url, body string, headers ...string) (int, string) {
		t.Helper()
		status, text, _ := post(t, base+url, body, headers...)
		return status, text
	}
	_, first := send(url, body, "Idempotency-Key: k")

	conflict := servertest.ProblemJSON(t, 409, "conflict",
		"Idempotency-Key: the key was used for another request in the last 10 minutes",
		"Idempotency-Key")
	if status, text := send(url, `{"target":{"user":"u2"},"type":"x"}`,
		"Idempotency-Key: k"); status != 409 || servertest.Sorted(t, text) != conflict {
		t.Errorf("another body: %d %s", status, text)
	}
	if status, text := send(url+"/custom", body, "Idempotency-Key: k"); status != 409 {
		t.Errorf("another route: %d %s", status, text)
	}
	if _, text := send(url, body, "Idempotency-Key: K"); text == first {
		t.Error("keys differ in case only, and the response is the same")
	}
	if _, text := send(url, body); text == first {
		t.Error("a request without a key got the response to another one")
	}
	res, text := servertest.Do(t, "POST", base+url, body, "X-API-Key: "+otherKey,
		"Content-Type: application/json", "Idempotency-Key: k")
	if res.StatusCode != 200 || text == first {
		t.Errorf("the same key of another backend: %d %s", res.StatusCode, text)
	}
	// A request that failed sent nothing, so the server carries out the next one.
	if status, _ := send(url, `{"target":{"user":"u1"}}`, "Idempotency-Key: bad"); status != 400 {
		t.Error(status)
	}
	if status, text := send(url, body, "Idempotency-Key: bad"); status != 200 {
		t.Errorf("after a failure: %d %s", status, text)
	}
	// The replayed response to a batch includes the errors.
	batch := `[` + body + `,{"bad":1}]`
	_, once := send(url, batch, "Idempotency-Key: batch")
	head := hub.Head()
	if _, again := send(url, batch, "Idempotency-Key: batch"); again != once ||
		hub.Head() != head || !strings.Contains(once, `"field":"[1].bad"`) {
		t.Errorf("a batch: %s, then %s", once, again)
	}

	for _, bad := range [][]string{
		{"Idempotency-Key: "},
		{"Idempotency-Key: " + strings.Repeat("x", 65)},
		{"Idempotency-Key: a b"},
		{"Idempotency-Key: é"},
		{"Idempotency-Key: a", "Idempotency-Key: b"},
	} {
		if status, text := send(url, body, bad...); status != 400 ||
			!strings.Contains(text, `"field":"Idempotency-Key"`) {
			t.Errorf("%q: %d %s", bad, status, text)
		}
	}
	if status, text := send(url, body, "Idempotency-Key: "+strings.Repeat("~", 64)); status != 200 {
		t.Errorf("64 bytes: %d %s", status, text)
	}
}

func TestIdempotencyExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(inMemory(""))
		count := 0
		ask := func() (string, bool) {
			reply, replayed, err := a.do(t.Context(), "k", [32]byte{}, func(*claim) (any, error) {
				count++
				return count, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return string(reply), replayed
		}
		if reply, replayed := ask(); reply != "1" || replayed {
			t.Errorf("%s %v", reply, replayed)
		}
		time.Sleep(answerTTL - 1)
		if reply, replayed := ask(); reply != "1" || !replayed {
			t.Errorf("%s %v", reply, replayed)
		}
		time.Sleep(time.Nanosecond)
		if reply, replayed := ask(); reply != "2" || replayed {
			t.Errorf("%s %v", reply, replayed)
		}
		if entries, _ := a.kept.(*kv.Memory).Size(); len(a.running) != 0 || entries != 1 {
			t.Errorf("%d requests run, %d answers are kept", len(a.running), entries)
		}
	})
}

// Requests that wait for the first one get its error. A request stops waiting when its client
// disconnects, and when the first one panics.
func TestIdempotencyFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(inMemory(""))
		unavailable := errors.New("unavailable")
		started := make(chan struct{})
		go func() {
			_, _, err := a.do(t.Context(), "k", [32]byte{}, func(*claim) (any, error) {
				close(started)
				time.Sleep(time.Second)
				return nil, unavailable
			})
			if !errors.Is(err, unavailable) {
				t.Errorf("the first request: %v", err)
			}
		}()
		<-started
		gone, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, err := a.do(gone, "k", [32]byte{}, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request whose client disconnects: %v", err)
		}
		if _, _, err := a.do(t.Context(), "k", [32]byte{}, nil); !errors.Is(err, unavailable) {
			t.Errorf("a request that waits: %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("do recovered the panic")
				}
			}()
			_, _, _ = a.do(t.Context(), "k", [32]byte{}, func(*claim) (any, error) { panic("defect") })
		}()
		if entries, _ := a.kept.(*kv.Memory).Size(); len(a.running) != 0 || entries != 0 {
			t.Errorf("do keeps failures: %d, %d", len(a.running), entries)
		}
	})
}

// A model: within its lifetime a key carries out one successful request, and never returns the
// answer to another request.
func TestIdempotencyModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		a := newAnswers(kv.NewMemory(AnswerLimits, func() time.Time { return now }))
		type kept struct {
			request byte
			reply   string
			until   time.Time
		}
		model := map[string]kept{}
		carried := 0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second)
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
			request := byte(rapid.IntRange(0, 1).Draw(t, "request"))
			fails := rapid.Bool().Draw(t, "fails")
			ran := false
			sum := sha256.Sum256([]byte{request})
			reply, replayed, err := a.do(context.Background(), key, sum, func(*claim) (any, error) {
				ran = true
				if fails {
					return nil, errors.New("unavailable")
				}
				carried++
				return carried, nil
			})
			old, known := model[key]
			known = known && now.Before(old.until)
			switch {
			case known && old.request != request:
				var p *edge.Problem
				if !errors.As(err, &p) || p.Code != edge.CodeConflict || ran {
					t.Fatalf("another request: %v, ran %v", err, ran)
				}
			case known:
				if err != nil || !replayed || string(reply) != old.reply || ran {
					t.Fatalf("the same request: %s %v %v", reply, replayed, err)
				}
			case !ran || replayed || (err != nil) != fails:
				t.Fatalf("a new request: ran %v, replayed %v, %v", ran, replayed, err)
			case !fails:
				model[key] = kept{request, string(reply), now.Add(answerTTL)}
			}
		}
	})
}

// A backend repeats a request after a restart: it gets the same answer, byte for byte, and nothing is
// sent again. A crash in the middle leaves an answer without counts.
func TestIdempotencyOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const single = `{"target":{"user":"u1"},"type":"x"}`
	requests := map[string]string{
		"/v1/notifications":         single,
		"/v1/emit":                  `[{"room":"r","event":"e","args":[1]},{"bad":1},{"room":"r","event":"e","volatile":true}]`,
		"/v1/notifications/payment": `{"target":{"user":"u1"},"paymentId":"p1","status":"completed"}`,
	}
	first := map[string]string{}
	var head notify.ID
	for restart := range 3 {
		store, err := disklog.Open(disklog.DefaultOptions(dir))
		if err != nil {
			t.Fatal(err)
		}
		hub := notify.New(store.Log(), notify.DefaultOptions())
		o := testOptions(hub)
		o.Keyring = NewKeyring([]string{servertest.Key}, 0, 0, func(name string) kv.Store {
			return store.KV(name, AnswerLimits)
		})
		api := edge.WithInfo(nil, New(o))
		for path, body := range requests {
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set("X-API-Key", servertest.Key)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", strings.ReplaceAll(path, "/", "-"))
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			text := w.Body.String()
			if restart == 0 {
				first[path] = text
			}
			if text != first[path] || (w.Header().Get("Idempotent-Replayed") != "") != (restart > 0) {
				t.Errorf("%d, %s: %d %s, at first %s", restart, path, w.Code, text, first[path])
			}
		}
		if restart == 0 {
			head = hub.Head()
		} else if hub.Head() != head {
			t.Errorf("%d: the head is %v, want %v", restart, hub.Head(), head)
		}
		hub.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A publish that has timed out may be stored later. The backend repeats it and gets the answer of the
// first one, without counts.
func TestIdempotencyAfterTimeout(t *testing.T) {
	t.Parallel()
	store := kv.NewMemory(AnswerLimits, nil)
	a := newAnswers(store)
	request := sha256.Sum256([]byte("request"))
	c := &claim{in: store, key: "k", request: request}
	late := c.stored([]byte(`{"id":"1-1"}`))
	reply, replayed, err := a.do(t.Context(), "k", request, func(*claim) (any, error) {
		return nil, fmt.Errorf("batch: %w", &notify.ClaimedError{Value: late})
	})
	if string(reply) != `{"id":"1-1"}` || !replayed || err != nil {
		t.Errorf("%s %v %v", reply, replayed, err)
	}
	other := sha256.Sum256([]byte("other"))
	_, _, err = a.do(t.Context(), "k", other, func(*claim) (any, error) {
		return nil, &notify.ClaimedError{Value: late}
	})
	if p := new(edge.Problem); !errors.As(err, &p) || p.Code != edge.CodeConflict {
		t.Errorf("another request: %v", err)
	}
}
