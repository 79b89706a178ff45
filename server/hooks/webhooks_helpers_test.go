package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/presence"
)

// hookRequest is one request with webhooks.
type hookRequest struct {
	at       time.Time
	id, body string
	events   []hookEvent
	dropped  int
}

// hookEvent is one event of a batch.
type hookEvent struct {
	Type, ID, Timestamp string
	Data                json.RawMessage
}

// text returns the event as "type data".
func (e hookEvent) text() string { return e.Type + " " + string(e.Data) }

// inbox is a receiver of webhooks without a network: requests arrive at its RoundTrip.
type inbox struct {
	t      testing.TB
	answer func(n int, r hookRequest) (status int, header http.Header, err error)

	mu       sync.Mutex
	requests []hookRequest
	accepted []hookEvent
	outcomes map[string]int
}

func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	verifier, _ := standardwebhooks.NewWebhook(testSecret)
	if err := verifier.Verify(body, r.Header); err != nil {
		b.t.Errorf("signature: %v", err)
	}
	var batch struct {
		Type, ID, Timestamp string
		Data                struct {
			Instance string
			Dropped  int
			Events   []hookEvent
		}
	}
	if err := json.Unmarshal(body, &batch); err != nil || batch.Type != "batch" ||
		batch.ID != r.Header.Get("webhook-id") || batch.Data.Instance == "" {
		b.t.Errorf("body %s: %v", body, err)
	}
	request := hookRequest{time.Now(), batch.ID, string(body), batch.Data.Events, batch.Data.Dropped}
	b.mu.Lock()
	n := len(b.requests)
	b.requests = append(b.requests, request)
	b.mu.Unlock()
	status, header, err := http.StatusNoContent, http.Header{}, error(nil)
	if b.answer != nil {
		status, header, err = b.answer(n, request)
	}
	switch {
	case err != nil:
		return nil, err
	case status == 0: // it hangs
		<-r.Context().Done()
		return nil, r.Context().Err()
	case status < 300:
		b.mu.Lock()
		b.accepted = append(b.accepted, request.events...)
		b.mu.Unlock()
	}
	return &http.Response{StatusCode: status, Header: header, Request: r, ProtoMajor: 1,
		ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func (b *inbox) Hooked(hook, outcome string, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.outcomes == nil {
		b.outcomes = map[string]int{}
	}
	b.outcomes[hook+" "+outcome]++
}

func (b *inbox) got() []hookRequest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// events returns the events that the receiver has accepted.
func (b *inbox) events() []hookEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.accepted)
}

func (b *inbox) texts() (list []string) {
	for _, e := range b.events() {
		list = append(list, e.text())
	}
	return list
}

// hookRig is a Hub whose webhooks go to an inbox.
type hookRig struct {
	*Webhooks
	t     testing.TB
	hub   *notify.Hub
	inbox *inbox
	users *presence.Users
	logs  *observer.ObservedLogs
}

// newHookRig returns a rig for a test in a bubble.
func newHookRig(t testing.TB, change func(*Options)) *hookRig {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	box := &inbox{t: t}
	o := DefaultOptions()
	o.Secrets, o.AllowPrivate = []auth.Secret{auth.Secret(testSecret)}, true
	o.Metrics, o.Log, o.transport = box, zap.New(core), box
	o.Webhooks.URLs = []string{"http://receiver.test/hooks"}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	hub := notify.New(notify.NewMemoryLog(), notify.DefaultOptions())
	w, err := h.Webhooks(hub)
	if err != nil {
		t.Fatal(err)
	}
	r := &hookRig{w, t, hub, box, presence.AnnounceUsers(hub, zap.NewNop(), w.User), logs}
	t.Cleanup(r.close)
	return r
}

// close ends the rig at once. A test in a bubble calls it before the bubble ends.
func (r *hookRig) close() {
	r.users.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.Drain(ctx)
	r.hub.Close()
}

// owner is the transport's object of a member in tests.
type owner string

func (o owner) EndReason() string { return string(o) }

func (r *hookRig) attach(clientID, userID string, channels ...string) *notify.Member {
	r.t.Helper()
	m, err := r.hub.Attach(notify.Attachment{ClientID: clientID, UserID: userID, Username: userID,
		Transport: "websocket", Rooms: channels, Owner: owner("transport close")})
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// emitted queues n events "t", numbered from first.
func (r *hookRig) emitted(first, n int) {
	for i := range n {
		r.emit("t", time.Now(), newObject(32).number("n", int64(first+i)))
	}
}

// numbers returns the numbers of events of emitted.
func numbers(t testing.TB, events []hookEvent) (list []int) {
	t.Helper()
	for _, e := range events {
		var data struct{ N int }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		list = append(list, data.N)
	}
	return list
}

func sequence(first, n int) (list []int) {
	for i := range n {
		list = append(list, first+i)
	}
	return list
}

func expectNumbers(t testing.TB, events []hookEvent, want []int) {
	t.Helper()
	if got := numbers(t, events); !slices.Equal(got, want) {
		t.Errorf("got %d events %s, want %d %s", len(got), ends(got), len(want), ends(want))
	}
}

func ends(list []int) string {
	if len(list) < 7 {
		return fmt.Sprint(list)
	}
	return fmt.Sprint(list[:3], "…", list[len(list)-3:])
}

func (r *hookRig) count(reason string) uint64 { return r.Stats()[0].Dropped[reason] }
