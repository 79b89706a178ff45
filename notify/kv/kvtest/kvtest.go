// Package kvtest tests implementations of kv.Store against its contract.
package kvtest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/roomcast/roomcast/notify/kv"
)

// Opener returns an empty store with limits, whose clock is now. It closes the store in a cleanup of t.
type Opener func(t testing.TB, limits kv.Limits, now func() time.Time) kv.Store

// Test tests the contract.
func Test(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"values expire, and any bytes are a key": expires,
		"one of many claims wins":                claims,
		"one of many takes gets the value":       takes,
		"the oldest values go first":             limits,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
	t.Run("a model", func(t *testing.T) {
		t.Parallel()
		model(t, open)
	})
}

// Wide are limits that no test reaches.
var Wide = kv.Limits{Entries: 10_000, Bytes: 64 << 20}

type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(1_000_000_000_000 + c.Load()) }

func expires(t *testing.T, open Opener) {
	var c clock
	s := open(t, Wide, c.now)
	ctx := t.Context()
	keys := []string{"a", "a/b", "\x00\xff", "a/", strings.Repeat("k", 300)}
	for _, key := range keys {
		if value, err := s.Get(ctx, key); value != nil || err != nil {
			t.Fatalf("%q without a value: %q %v", key, value, err)
		}
		if err := s.Put(ctx, key, []byte(key), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	c.Store(59_999)
	for _, key := range keys {
		if value, err := s.Get(ctx, key); string(value) != key || err != nil {
			t.Errorf("%q before its end: %q %v", key, value, err)
		}
	}
	c.Store(60_000)
	for _, key := range keys {
		if value, err := s.Get(ctx, key); value != nil || err != nil {
			t.Errorf("%q at its end: %q %v", key, value, err)
		}
		if value, err := s.Take(ctx, key); value != nil || err != nil {
			t.Errorf("%q taken at its end: %q %v", key, value, err)
		}
	}
}

func claims(t *testing.T, open Opener) {
	var c clock
	s := open(t, Wide, c.now)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			own := fmt.Appendf(nil, "%d", i)
			old, won, err := s.Claim(t.Context(), "k", own, time.Minute)
			if err != nil || won == (old != nil) {
				t.Errorf("claim %d: %q %v %v", i, old, won, err)
			}
			if won {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d claims won", wins.Load())
	}
	c.Store(60_000)
	if _, won, err := s.Claim(t.Context(), "k", []byte("v"), time.Minute); !won || err != nil {
		t.Errorf("a claim of an expired value: %v %v", won, err)
	}
}

func takes(t *testing.T, open Opener) {
	s := open(t, Wide, time.Now)
	if err := s.Put(t.Context(), "k", []byte("v"), time.Minute); err != nil {
		t.Fatal(err)
	}
	var got atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			value, err := s.Take(t.Context(), "k")
			if err != nil || value != nil && string(value) != "v" {
				t.Errorf("%q %v", value, err)
			}
			if value != nil {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	if value, err := s.Get(t.Context(), "k"); got.Load() != 1 || value != nil || err != nil {
		t.Errorf("%d calls got the value, then %q %v", got.Load(), value, err)
	}
}

func limits(t *testing.T, open Opener) {
	ctx := t.Context()
	put := func(s kv.Store, keys ...string) {
		for _, key := range keys {
			if err := s.Put(ctx, key, []byte(strings.Repeat("v", 100)), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
	}
	has := func(s kv.Store, keys ...string) (found string) {
		for _, key := range keys {
			value, err := s.Get(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			if value != nil {
				found += key
			}
		}
		return found
	}
	few := open(t, kv.Limits{Entries: 2, Bytes: 1 << 20}, time.Now)
	put(few, "a", "b", "a", "c")
	if found := has(few, "a", "b", "c"); found != "ac" {
		t.Errorf("of at most 2 entries there are %q", found)
	}
	small := open(t, kv.Limits{Entries: 100, Bytes: 2*(101+kv.Overhead) + 300}, time.Now)
	put(small, "a", "b", "c")
	if found := has(small, "a", "b", "c"); found != "bc" {
		t.Errorf("of two values there are %q", found)
	}
	if err := small.Put(ctx, "d", make([]byte, 2000), time.Minute); err != nil {
		t.Fatal(err)
	}
	if found := has(small, "a", "b", "c", "d"); found != "" {
		t.Errorf("after a value above the limit there are %q", found)
	}
}

// model compares a store with a map.
func model(t *testing.T, open Opener) {
	type held struct {
		value string
		until time.Time
	}
	var c clock
	s := open(t, Wide, c.now)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		ctx := t.Context()
		want := map[string]held{}
		for step := range rapid.IntRange(1, 40).Draw(r, "steps") {
			c.Add(int64(rapid.IntRange(0, 300).Draw(r, "ms")))
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "key")
			name := fmt.Sprint(round, key)
			ttl := time.Duration(rapid.IntRange(1, 500).Draw(r, "ttl")) * time.Millisecond
			value := fmt.Sprint(step)
			old := want[key]
			if !c.now().Before(old.until) {
				old = held{}
			}
			var got []byte
			var err error
			switch rapid.IntRange(0, 3).Draw(r, "call") {
			case 0:
				got, err = s.Get(ctx, name)
			case 1:
				var won bool
				got, won, err = s.Claim(ctx, name, []byte(value), ttl)
				if won != (old.value == "") {
					r.Fatalf("step %d: claim %v over %q", step, won, old.value)
				}
				if won {
					want[key] = held{value, c.now().Add(ttl)}
				}
			case 2:
				err = s.Put(ctx, name, []byte(value), ttl)
				got = []byte(old.value)
				want[key] = held{value, c.now().Add(ttl)}
			case 3:
				got, err = s.Take(ctx, name)
				delete(want, key)
			}
			if err != nil || string(got) != old.value {
				r.Fatalf("step %d: got %q %v, want %q", step, got, err, old.value)
			}
		}
	})
}
