package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/socketio"
)

// usage is a process of which only live memory counts.
type usage struct{ live atomic.Int64 }

func (u *usage) Used() (own, kernel int64) { return u.live.Load(), 0 }
func (u *usage) Collect()                  {}

// While memory is short, the server refuses new connections and publishes on every way, and cuts
// the connections that lag, the oldest first. Then it works as before.
func TestShortMemory(t *testing.T) {
	t.Parallel()
	var used usage
	log, lines := servertest.NewLog()
	memory := limit.NewMemory(1000, 0, &used)
	s := newServiceStack(t, func(o *socketio.Options) {
		o.Limits, o.Log = limit.New(limit.Options{Memory: memory}), log
	}, func(o *Options) { o.Memory = memory })
	w := &shedder{Service: s.service}
	now := time.Now()
	look := func() { w.look(now) }

	const laggards = 40
	var cut []string
	for i := range laggards {
		attachment := notify.Attachment{ClientID: fmt.Sprint("deaf", i), Transport: "sse",
			Drop: func(string) { cut = append(cut, fmt.Sprint("deaf", i)) }}
		if _, err := s.Hub.Attach(attachment); err != nil {
			t.Fatal(err)
		}
		s.Publish(`{"target":{"all":true},"type":"n"}`)
	}
	for range 64 {
		s.Publish(`{"target":{"all":true},"type":"n"}`)
	}
	reader, _ := s.Connect(`{"userId":"u1"}`)
	early := s.Dial("")
	look()
	if s.Hub.Overloaded() != nil || len(cut) > 0 {
		t.Fatal("it sheds with enough memory")
	}

	used.live.Store(900)
	look()
	base := "http://" + s.Base
	expect := func(what string, status int, text, body string, want ...string) {
		t.Helper()
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %s, want %s", what, text, part)
			}
		}
		if fmt.Sprint(status) != body {
			t.Errorf("%s: %d %s, want %s", what, status, text, body)
		}
	}
	for _, body := range []string{`{"target":{"all":true},"type":"n"}`, `[{"target":{"all":true},"type":"n"}]`} {
		res, text := servertest.Publish(t, base, body)
		expect("publish", res.StatusCode, text, "503", `"code":"unavailable"`, "too little memory")
		if res.Header.Get("Retry-After") != "5" {
			t.Errorf("publish: %v", res.Header)
		}
	}
	if _, err := s.Hub.Publish(t.Context(), notify.Text("hi"), notify.ToAll()); !errors.Is(err, notify.ErrOverloaded) ||
		!errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("Go: %v", err)
	}
	if _, err := s.sio.In("/").Emit("hi"); !errors.Is(err, notify.ErrOverloaded) {
		t.Errorf("emit: %v", err)
	}
	reader.Send(`42["send-message",{"room":"a","message":1}]`)
	want := `42["error",{"code":"unavailable","message":"the server has too little memory","room":"a","retryAfter":5},"ID"]`
	if got := servertest.Masked(reader.Read()); got != want {
		t.Errorf("send-message: %s", got)
	}
	res, text := servertest.Do(t, "GET", base+"/socket.io/?EIO=4&transport=polling", "")
	expect("handshake", res.StatusCode, text, "503", `"message":"Too many connections (memory limit)"`)
	if res.Header.Get("Retry-After") != "5" {
		t.Errorf("handshake: %v", res.Header)
	}
	early.Send(`40{"userId":"u2"}`)
	if got := early.Read(); got != `44{"message":"Too many connections","data":{"code":"too_many_connections","retryAfter":5}}` {
		t.Errorf("CONNECT: %s", got)
	}
	res, text = servertest.Do(t, "GET", base+"/sse", "")
	expect("stream", res.StatusCode, text, "200", "retry: ", "event: overloaded\n")
	res, text = servertest.Do(t, "GET", base+"/readyz", "")
	expect("readyz", res.StatusCode, text, "200", "ready")

	servertest.Eventually(t, "half of those that lag are cut", func() bool {
		look()
		return len(cut) >= 2*shedLeast
	})
	var order []string
	for i := range shedLeast {
		order = append(order, fmt.Sprint("deaf", i))
	}
	if !slices.Equal(cut[:shedLeast], order) {
		t.Errorf("cut in the order %q", cut)
	}
	used.live.Store(100)
	servertest.Eventually(t, "there is enough memory again", func() bool {
		look()
		return !memory.IsShort()
	})
	s.Publish(`{"target":{"user":"u1"},"type":"again"}`)
	s.Connect(`{"userId":"u3"}`)
	var messages []string
	for _, line := range lines.Lines(t) {
		if msg := line["msg"].(string); strings.HasPrefix(msg, "memory is ") {
			messages = append(messages, fmt.Sprint(msg[:len("memory is short")], line["refused"]))
		}
	}
	if got := fmt.Sprint(messages); got != "[memory is short0 memory is avail8]" {
		t.Errorf("logged %s", got)
	}
	got := servertest.Scrape(t, s.service.o.Metrics.Handler())
	servertest.ExpectSeries(t, got, map[string]float64{
		`roomcast_shed_total{what="connection"}`: 3, `roomcast_shed_total{what="publish"}`: 5,
		`roomcast_shed_total{what="laggard"}`: float64(len(cut)),
		`roomcast_memory_limit_bytes`:         1000, `roomcast_memory_used_bytes`: 100, `roomcast_memory_short`: 0,
	})
}

// The watch ends with the service.
func TestMemoryWatchEnds(t *testing.T) {
	t.Parallel()
	var used usage
	used.live.Store(900)
	s := newServiceStack(t, nil, func(o *Options) { o.Memory = limit.NewMemory(1000, 0, &used) })
	stop := s.service.watchMemory()
	servertest.Eventually(t, "publishes are refused", func() bool { return s.Hub.Overloaded() != nil })
	stop()
	if s.Hub.Overloaded() != nil {
		t.Error("the hub refuses publishes after the watch")
	}
}
