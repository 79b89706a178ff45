//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// heavy is the text that takes the most memory for its bytes once it is decoded: a map.
const heavy = `{"":0}`

// valueAttacks send few bytes of JSON that take much memory once they are decoded.
var valueAttacks = []Attack{
	{
		Name: "CONNECT with 16 KB of small values, 1,000 clients", Row: "issue 1",
		Figure: Figure{Growth: 48 << 20}, Run: connectWithValues,
	},
	{
		Name: "event arguments of 100,000 objects, 10 clients", Row: "issue 1, D06",
		Figure: Figure{Growth: 32 << 20}, Run: eventsWithValues,
	},
	{
		Name: "event arguments of many levels, 10 clients", Row: "D06",
		Figure: Figure{Growth: 32 << 20}, Run: eventsWithLevels,
	},
	{
		Name: "events of 60 KB as fast as 500 clients can", Row: "D14",
		Figure: Figure{Growth: 160 << 20}, Run: manySenders,
	},
}

// manySenders sends events of 60 KB from many clients, as fast as they can.
func manySenders(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(15*time.Second))
	defer cancel()
	event := frame(finText, []byte(`42["no-such-event","`+strings.Repeat("x", 60_000)+`"]`))
	n := t.n(500)
	each(n, n, func(i int) {
		s, _, err := t.connect(ctx, i%8, fmt.Sprintf(`{"userId":"u%d"}`, i))
		t.watched(s, err, func(s *socket) { s.flood(ctx, func(int) []byte { return event }) })
	})
	return nil
}

// connectWithValues holds clients whose CONNECT has the largest data that is allowed, of the values
// that take the most memory: as many as fit, and as many as a limit of 4,096 values lets through.
func connectWithValues(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(20*time.Second))
	defer cancel()
	many, fewer := values(heavy, 16_000), values(heavy, 12_000)
	each(t.n(1000), 50, func(i int) {
		data := fmt.Sprintf(`{"userId":"u%d","x":%s}`, i, [2]string{many, fewer}[i%2])
		s, _, err := t.connect(ctx, i%8, data)
		if err != nil {
			t.did.add(outcome(err))
			return
		}
		t.did.add("connected")
		context.AfterFunc(ctx, func() { _ = s.Close() })
	})
	<-ctx.Done()
	return nil
}

func eventsWithValues(ctx context.Context, t *target) error {
	return sendEvents(ctx, t, `42["no-such-event",`+values(heavy, 700_000)+"]")
}

func eventsWithLevels(ctx context.Context, t *target) error {
	const levels = 100_000
	nested := strings.Repeat("[", levels) + strings.Repeat("]", levels)
	return sendEvents(ctx, t, `42["no-such-event",`+nested+"]")
}

// sendEvents sends an event from 10 clients, 10 times a second each.
func sendEvents(ctx context.Context, t *target, event string) error {
	ctx, cancel := context.WithTimeout(ctx, t.hold(10*time.Second))
	defer cancel()
	each(10, 10, func(i int) {
		s, _, err := t.connect(ctx, i, fmt.Sprintf(`{"userId":"u%d"}`, i))
		if err != nil {
			t.broken("connect: %v", err)
			return
		}
		defer s.Close()
		go func() {
			for ctx.Err() == nil && s.text(event) == nil {
				wait(ctx, 100*time.Millisecond)
			}
		}()
		t.did.end(s.watch())
	})
	return nil
}

// values returns a JSON array of so many bytes at most, which repeats one value.
func values(value string, size int) string {
	n := (size - 2) / (len(value) + 1)
	return "[" + strings.Repeat(value+",", n-1) + value + "]"
}
