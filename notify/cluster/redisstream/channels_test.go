package redisstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roomcast/roomcast/notify/cluster/peers"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// heardChannels are channels and what arrives there.
type heardChannels struct {
	*Channels
	names   []string
	arrived chan string
}

// subscribersOf returns the subscribers of one channel.
func subscribersOf(t testing.TB, h heardChannels, name string) (int, error) {
	n, err := h.Subscribers(t.Context(), name)
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

func open(t testing.TB, c *Client, names ...string) heardChannels {
	t.Helper()
	h := heardChannels{OpenChannels(c), names, make(chan string, 1000)}
	t.Cleanup(h.Close)
	h.Receive(func(channel string, payload []byte) { h.arrived <- channel + " " + string(payload) })
	h.Subscribe(names...)
	return h
}

func settled(t testing.TB, h heardChannels) {
	t.Helper()
	servertest.Eventually(t, "the channels are subscribed", func() bool {
		return h.Wait(t.Context(), h.names[0], h.names[1:]...) == nil
	})
}

func publishTo(t testing.TB, h heardChannels, channel, text string) {
	t.Helper()
	if err := h.Publish(t.Context(), peers.Message{Channel: channel, Payload: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	a, b := open(t, c, "socket.io#/#"), open(t, dial(t, options(s.URL())), "socket.io#/#", "socket.io#/n#")
	settled(t, a)
	settled(t, b)
	for name, want := range map[string]int{"socket.io#/#": 2, "socket.io#/n#": 1, "socket.io#/m#": 0} {
		if n, err := subscribersOf(t, a, name); n != want || err != nil {
			t.Errorf("%d subscribers of %s, %v, want %d", n, name, err, want)
		}
	}
	var list []peers.Message
	var want []string
	for i := range 20 {
		text := strings.Repeat(string(rune('a'+i)), 200<<10) // in several pipelines
		list = append(list, peers.Message{Channel: "socket.io#/n#", Payload: []byte(text)})
		want = append(want, "socket.io#/n# "+text)
	}
	if err := a.Publish(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range want {
		got = append(got, servertest.Receive(t, b.arrived))
	}
	if !slices.Equal(got, want) {
		t.Error("messages are in another order")
	}
	b.Unsubscribe("socket.io#/n#")
	servertest.Eventually(t, "unsubscribed", func() bool {
		n, err := subscribersOf(t, a, "socket.io#/n#")
		return n == 0 && err == nil
	})
	b.Subscribe("socket.io#/n#")
	settled(t, b)
	publishTo(t, a, "socket.io#/n#", "again")
	if text := servertest.Receive(t, b.arrived); text != "socket.io#/n# again" {
		t.Errorf("got %q", text)
	}
	if len(a.arrived) > 0 {
		t.Errorf("got %q", <-a.arrived)
	}
}

func TestChannelsAfterOutage(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	h := open(t, dial(t, options(s.URL())), "a", "b")
	settled(t, h)
	s.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
	h.Subscribe("c") // at any time
	back := func() bool {
		n, err := subscribersOf(t, h, "b")
		m, err2 := subscribersOf(t, h, "c")
		return n == 1 && m == 1 && err == nil && err2 == nil && h.Wait(t.Context(), "a", "b", "c") == nil
	}
	servertest.Eventually(t, "subscribed after CLIENT KILL", back)
	s.Kill()
	servertest.Eventually(t, "the loss is noticed", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return h.Wait(ctx, "a") != nil
	})
	if err := h.Publish(t.Context(), peers.Message{Channel: "a"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	s.Restart(t)
	servertest.Eventually(t, "subscribed after a restart", back)
	publishTo(t, h, "c", "x")
	if text := servertest.Receive(t, h.arrived); text != "c x" {
		t.Errorf("got %q", text)
	}
	h.Close()
	if err := h.Wait(t.Context(), "a"); err != nil && !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// A channel that is wanted again before the connection has ended it stays subscribed.
func TestSubscribeAgain(t *testing.T) {
	t.Parallel()
	const name = "socket.io#/#"
	_, c := start(t)
	h := open(t, c, name)
	settled(t, h)
	for i := range 100 {
		h.Unsubscribe(name)
		h.Subscribe(name)
		if err := h.Wait(t.Context(), name); err != nil {
			t.Fatalf("time %d: %v", i, err)
		}
	}
	publishTo(t, h, name, "x")
	if text := servertest.Receive(t, h.arrived); text != name+" x" {
		t.Errorf("got %q", text)
	}
}

// Changes while connections break leave no channel without a subscription.
func TestChannelsChangeDuringOutage(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	h := open(t, dial(t, options(s.URL())), "a", "b")
	settled(t, h)
	var churn sync.WaitGroup
	ended := make(chan struct{})
	churn.Go(func() {
		for !isClosed(ended) {
			h.Subscribe("c")
			h.Unsubscribe("c")
			h.Subscribe("d")
		}
	})
	for range 6 {
		s.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
		servertest.Eventually(t, "subscribed again", func() bool {
			n, err := subscribersOf(t, h, "b")
			return n == 1 && err == nil && h.Wait(t.Context(), "a", "b", "d") == nil
		})
	}
	close(ended)
	churn.Wait()
	settled(t, h)
	for name, want := range map[string]int{"a": 1, "b": 1, "c": 0, "d": 1} {
		servertest.Eventually(t, "subscribers of "+name, func() bool {
			n, err := subscribersOf(t, h, name)
			return n == want && err == nil
		})
	}
}

// A call does not wait for the channels of others, and channels that come and go leave nothing.
func TestWaitIsForItsChannels(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{})
	h := open(t, dial(t, options(s.URL())), "a")
	settled(t, h)
	s.Pause(t)
	h.Subscribe("b")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Wait(ended, "a"); err != nil {
		t.Errorf("a channel that is subscribed: %v", err)
	}
	if err := h.Wait(ended, "a", "b"); err == nil {
		t.Error("no error for a channel that is not")
	}
	s.Continue(t)
	h.Unsubscribe("b")
	for i := range 5000 {
		h.Subscribe(fmt.Sprint(i))
		h.Unsubscribe(fmt.Sprint(i - 100))
	}
	for i := range 5000 {
		h.Unsubscribe(fmt.Sprint(i))
	}
	servertest.Eventually(t, "only the channel that is wanted", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.all) == 1 && len(h.changes) == 0
	})
	settled(t, h)
}

// A server of a Redis Cluster counts only its own subscribers, and passes messages on to all.
func TestChannelsOfRedisCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t, 3)
	o := options(servers[0].URL() + "?cluster=true")
	h := open(t, dial(t, o), "socket.io#/#")
	settled(t, h)
	for _, s := range servers { // each has one more
		c, _ := newClient(t, options(s.URL())) // not checked: it does not know the cluster
		other := open(t, c, "socket.io#/#")
		settled(t, other)
	}
	if n, err := subscribersOf(t, h, "socket.io#/#"); n != 4 || err != nil {
		t.Errorf("%d subscribers, %v, want 4", n, err)
	}
	publishTo(t, h, "socket.io#/#", "x")
	if text := servertest.Receive(t, h.arrived); text != "socket.io#/# x" {
		t.Errorf("got %q", text)
	}
}
