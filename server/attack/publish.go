//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/roomcast/roomcast/server/internal/load"
)

// publishAttacks come from a backend, or from a thief of its key.
var publishAttacks = []Attack{
	{
		Name: "publish storm to a room of 20,000, among 1,000 small rooms", Row: "issue 4, D21",
		Settings: []string{"MAX_CONNECTIONS=100000", "SOCKETIO_HEARTBEAT_INTERVAL=1h"},
		Figure:   Figure{Others: 20 * time.Millisecond}, Run: largeRoom,
	},
	{
		Name: "lists of 10,000 names in except", Row: "D21",
		Settings: []string{"HISTORY_MAX_BYTES=16MiB"}, // which holds the lists that are accepted
		Figure:   Figure{Growth: 64 << 20}, Run: longExcept,
	},
	{
		Name: "batches of 1,000", Row: "B08, D21", Settings: []string{"HISTORY_MAX_BYTES=16MiB"},
		Figure: Figure{Growth: 96 << 20}, Run: largeBatches,
	},
	{
		Name: "bodies of many values, 8 at a time", Row: "B08",
		Settings: []string{"HISTORY_MAX_BYTES=16MiB"},
		Figure:   Figure{Growth: 96 << 20}, Run: manyValues,
	},
	{
		Name: "100,000 idempotency keys", Row: "B09", Settings: []string{"HISTORY_MAX_BYTES=8MiB"},
		Figure: Figure{Growth: 112 << 20}, Run: manyKeys,
	},
	{
		Name: "1,000,000 rooms", Row: "B11",
		Settings: []string{"HISTORY_TTL=2s", "HISTORY_MIN_AGE=1s", "HISTORY_MAX_BYTES=16MiB"},
		Figure:   Figure{Growth: 96 << 20, Promise: "freed"}, Run: manyRooms,
	},
	{
		Name: "publishes above the rate of a key", Row: "B10",
		Settings: []string{"PUBLISH_RATE=1000", "API_KEYS=" + apiKey + "," + otherKey},
		Figure:   Figure{Growth: 64 << 20}, Run: publishFlood,
	},
}

// channelSocket is a raw client of the fleet that joins the channel.
func channelSocket(channel string) *load.WebSocket {
	return &load.WebSocket{
		Path: "/socket.io/?EIO=4&transport=websocket",
		Answers: []load.Answer{
			{Message: "0{", Text: `40{"userId":"u%d","channels":["` + channel + `"]}`},
			{Message: "2", Text: "3"},
		},
		Joined: "40{", Mark: '~',
	}
}

// largeRoom publishes to a room of as many members as the descriptors allow, and to small rooms.
func largeRoom(ctx context.Context, t *target) error {
	members := min(t.n(20_000), t.files*3/4-500)
	t.did.add(fmt.Sprintf("%d members", members))
	fleet, err := load.New(t.addr, channelSocket("large"))
	if err != nil {
		return err
	}
	defer fleet.Close()
	if err := fleet.Join(ctx, members); err != nil {
		return err
	}
	if err := t.restart(); err != nil { // joining is not part of the attack
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, t.hold(15*time.Second))
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.repeat(ctx, 8, func(i int) (reply, error) {
			channel := "large"
			if i%8 > 0 {
				channel = fmt.Sprintf("small%d", i%1000)
			}
			return t.publish(ctx, channel, `"~"`)
		})
	}()
	err = fleet.Idle(ctx, t.hold(15*time.Second))
	<-done
	if ctx.Err() == nil && err != nil {
		t.broken("the members: %v", err)
	}
	return nil
}

func longExcept(ctx context.Context, t *target) error {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf(`"%020d"`, i)
	}
	body := `{"target":{"channel":"others"},"type":"load","data":1,"except":[` +
		strings.Join(names, ",") + `]}`
	short := `{"target":{"channel":"others"},"type":"load","data":1,"except":[` +
		strings.Join(names[:1000], ",") + `]}`
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	t.repeat(ctx, 4, func(i int) (reply, error) {
		return t.call(ctx, http.MethodPost, "/v1/notifications", []string{body, short}[i%2])
	})
	return nil
}

func largeBatches(ctx context.Context, t *target) error {
	one := `{"target":{"channel":"batches"},"type":"load","data":"` + strings.Repeat("x", 900) + `"}`
	body := "[" + strings.Repeat(one+",", 999) + one + "]"
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	for i := range 5 {
		s, _, err := t.connect(ctx, i, fmt.Sprintf(`{"userId":"u%d","channels":["batches"]}`, i))
		if err != nil {
			return err
		}
		defer s.Close()
		go s.watch()
	}
	t.repeat(ctx, 1, func(int) (reply, error) {
		defer wait(ctx, 200*time.Millisecond) // 5,000 messages a second
		return t.call(ctx, http.MethodPost, "/v1/notifications", body)
	})
	return nil
}

func manyValues(ctx context.Context, t *target) error {
	bodies := []string{
		`{"target":{"channel":"x"},"type":"load","data":` + values("0", 250_000) + "}",
		"[" + strings.Repeat("{},", 300_000) + "{}]",
		`{"target":{"users":` + values(`"u"`, 900_000) + `},"type":"load","data":1}`,
		`{"target":{"channel":"x"},"type":"load","data":1,"metadata":{"a":` + values("[]", 800_000) + "}}",
	}
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	t.repeat(ctx, 8, func(i int) (reply, error) {
		return t.call(ctx, http.MethodPost, "/v1/notifications", bodies[i%len(bodies)])
	})
	return nil
}

func manyKeys(ctx context.Context, t *target) error {
	body := `{"target":{"channel":"x"},"type":"load","data":1}`
	each(t.n(100_000), 16, func(i int) {
		key := fmt.Sprintf("%064d", i)
		t.count(t.call(ctx, http.MethodPost, "/v1/notifications", body, "Idempotency-Key", key))
	})
	return nil
}

// manyRooms publishes to rooms with the longest names, waits until the history has expired and
// compares the memory.
func manyRooms(ctx context.Context, t *target) error {
	const batch = 1000
	before, err := t.server.Resident()
	if err != nil {
		return err
	}
	each(t.n(1_000_000)/batch, 4, func(i int) {
		items := make([]string, batch)
		for j := range items {
			items[j] = fmt.Sprintf(`{"target":{"channel":"%0100d"},"type":"load","data":1}`, i*batch+j)
		}
		t.count(t.call(ctx, http.MethodPost, "/v1/notifications", "["+strings.Join(items, ",")+"]"))
	})
	wait(ctx, 5*time.Second)
	r, err := t.call(ctx, http.MethodGet, "/v1/channels?limit=1000", "")
	if err != nil {
		return err
	}
	if n := strings.Count(string(r.body), `"00000`); n > 0 {
		t.broken("%d rooms are still listed", n)
	}
	after, err := t.server.Resident()
	t.did.add(fmt.Sprintf("RSS + %s 5 s later", megabytes(max(0, after-before))))
	return err
}

// publishFlood publishes with a key of its own, far above its rate.
func publishFlood(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	body := `{"target":{"channel":"x"},"type":"load","data":1}`
	t.repeat(ctx, 16, func(int) (reply, error) {
		return t.call(ctx, http.MethodPost, "/v1/notifications", body, "X-API-Key", otherKey)
	})
	return nil
}
