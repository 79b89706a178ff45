package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func TestKV(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	var stores atomic.Int32
	kvtest.Test(t, func(t testing.TB, limits kv.Limits, now func() time.Time) kv.Store {
		o := options(s.URLOf("roomcast", "node-password"))
		o.Now = now
		return dial(t, o).KV(fmt.Sprint("store", stores.Add(1)), limits)
	})
}

// Stores of one name share their values, between nodes and within one, and with no other name.
func TestKVIsShared(t *testing.T) {
	t.Parallel()
	s, one := start(t)
	other := dial(t, options(s.URL()))
	if one.KV("a", kvtest.Wide) != one.KV("a", kvtest.Wide) {
		t.Error("a name has two stores")
	}
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		store := []*Client{one, other}[i%2].KV("a", kvtest.Wide)
		wg.Go(func() {
			old, won, err := store.Claim(t.Context(), "k", []byte("v"), time.Minute)
			if err != nil || !won && string(old) != "v" {
				t.Errorf("%q %v", old, err)
			}
			if won {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d claims on two nodes won", wins.Load())
	}
	if value, err := one.KV("b", kvtest.Wide).Get(t.Context(), "k"); value != nil || err != nil {
		t.Errorf("another name: %q %v", value, err)
	}
	if err := other.KV("a", kvtest.Wide).Put(t.Context(), "k", []byte("w"), time.Minute); err != nil {
		t.Fatal(err)
	}
	value, err := one.KV("a", kvtest.Wide).Take(t.Context(), "k")
	if string(value) != "w" || err != nil {
		t.Errorf("what the other node has put: %q %v", value, err)
	}
}

// The server forgets values by itself, also those of nodes that have ended.
func TestKVExpiresInTheServer(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	store := c.KV("a", kvtest.Wide)
	if err := store.Put(t.Context(), "put", []byte("v"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Claim(t.Context(), "claim", []byte("v"), time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"put", "claim"} {
		left := s.Do(t, "PTTL", "roomcast:{socket.io}:kv:a:"+key).(int64)
		if left <= 0 || left > (2*time.Minute).Milliseconds() {
			t.Errorf("%s expires in %d ms", key, left)
		}
	}
}

// A value that another program has written under the key is no value, and can be replaced.
func TestKVForeignValues(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	store := c.KV("a", kvtest.Wide)
	for _, foreign := range []string{"", "x", strings.Repeat("x", 13), strings.Repeat("x", 40)} {
		s.Do(t, "SET", "roomcast:{socket.io}:kv:a:k", foreign)
		if value, err := store.Get(t.Context(), "k"); value != nil || err != nil {
			t.Errorf("%q: %q %v", foreign, value, err)
		}
		if _, won, err := store.Claim(t.Context(), "k", []byte("v"), time.Minute); !won || err != nil {
			t.Errorf("a claim over %q: %v %v", foreign, won, err)
		}
	}
	s.Do(t, "DEL", "roomcast:{socket.io}:kv:a:k")
	s.Do(t, "HSET", "roomcast:{socket.io}:kv:a:k", "f", "v")
	if _, err := store.Get(t.Context(), "k"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a hash: %v", err)
	}
}

// calls calls each method of a store.
func calls(ctx context.Context, store kv.Store) map[string]error {
	_, get := store.Get(ctx, "k")
	_, _, claim := store.Claim(ctx, "k", []byte("v"), time.Minute)
	_, take := store.Take(ctx, "k")
	put := store.Put(ctx, "k", []byte("v"), time.Minute)
	return map[string]error{"Get": get, "Claim": claim, "Take": take, "Put": put}
}

// R02, R06: a server that is away or silent makes every call fail, within its deadline.
func TestKVWithoutServer(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*redistest.Server){
		"away":   func(s *redistest.Server) { s.Kill() },
		"silent": func(s *redistest.Server) { s.Pause(t) },
		"full": func(s *redistest.Server) {
			s.Do(t, "CONFIG", "SET", "maxmemory", "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := start(t)
			store := c.KV("a", kvtest.Wide)
			fail(s)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if name == "full" { // reading and removing do not need memory
				ctx = t.Context()
			}
			for method, err := range calls(ctx, store) {
				needs := name != "full" || method == "Put" || method == "Claim"
				if errors.Is(err, ErrUnavailable) != needs || !needs && err != nil {
					t.Errorf("%s: %v", method, err)
				}
			}
		})
	}
}

// R07: a claim whose reply is lost has an unknown outcome; the next call finds its value.
func TestKVReplyLost(t *testing.T) {
	t.Parallel()
	_, c, d := startDeaf(t)
	store := c.KV("a", kvtest.Wide)
	_, _, err := store.Claim(t.Context(), "loads the script", []byte("v"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	d.next.Store(true)
	_, won, err := store.Claim(t.Context(), "k", []byte("v"), time.Minute)
	if !errors.Is(err, ErrUnavailable) || won {
		t.Errorf("the claim: %v %v", won, err)
	}
	old, won, err := store.Claim(t.Context(), "k", []byte("w"), time.Minute)
	if string(old) != "v" || won || err != nil {
		t.Errorf("the next claim: %q %v %v", old, won, err)
	}
	d.next.Store(true)
	if err := store.Put(t.Context(), "k", []byte("x"), time.Minute); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Put: %v", err)
	}
	if value, err := store.Get(t.Context(), "k"); string(value) != "x" || err != nil {
		t.Errorf("the value: %q %v", value, err)
	}
}
