package disklog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/kv"
	"github.com/roomcast/roomcast/notify/kv/kvtest"
)

func TestValues(t *testing.T) {
	t.Parallel()
	kvtest.Test(t, func(t testing.TB, limits kv.Limits, now func() time.Time) kv.Store {
		s := open(t, t.TempDir(), func(o *Options) { o.Now = now })
		t.Cleanup(func() { closed(t, s) })
		return s.KV("bucket", limits)
	})
}

// The next process has the values that have not expired, in each bucket and in their order.
func TestValuesReopened(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.UnixMilli(1_000_000)
	clock := func(o *Options) { o.Now = func() time.Time { return now } }
	s := open(t, dir, clock)
	for i, ttl := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
		if err := s.KV("a", kvtest.Wide).Put(t.Context(), fmt.Sprint(i), []byte("v"), ttl); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.KV("b", kvtest.Wide).Put(t.Context(), "1/2", []byte("w"), time.Minute); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	now = now.Add(time.Second)
	s = open(t, dir, clock)
	defer closed(t, s)
	for key, want := range map[string]string{"0": "", "1": "v", "2": "v", "1/2": ""} {
		if value, err := s.KV("a", kvtest.Wide).Get(t.Context(), key); string(value) != want || err != nil {
			t.Errorf("%s: %q %v, want %q", key, value, err, want)
		}
	}
	if value, _ := s.KV("b", kvtest.Wide).Get(t.Context(), "1/2"); string(value) != "w" {
		t.Errorf("of the other bucket: %q", value)
	}
	// With a limit of one, the one that expires first goes.
	one := s.KV("a", kv.Limits{Entries: 1, Bytes: 1 << 20})
	if value, _ := one.Get(t.Context(), "1"); string(value) != "v" {
		t.Errorf("the newest one: %q", value)
	}
	if value, _ := one.Get(t.Context(), "2"); value != nil {
		t.Errorf("the older one: %q", value)
	}
}

// A sweep removes from disk what has expired, of buckets that nobody has opened, too.
func TestValuesSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, nil)
	for i := range 10 {
		err := s.KV("a", kvtest.Wide).Put(t.Context(), fmt.Sprint(i), []byte("v"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
	}
	closed(t, s)
	var offset time.Duration
	s = open(t, dir, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(offset) } })
	defer closed(t, s)
	s.Log().making.Lock() // the writer does not sweep meanwhile
	defer s.Log().making.Unlock()
	offset = 2 * time.Hour
	if err := s.sweepValues(); err != nil {
		t.Fatal(err)
	}
	left := 0
	_ = s.Log().scan([]byte(valuePrefix), successor(valuePrefix), func(_, _ []byte) error {
		left++
		return nil
	})
	if left != 0 {
		t.Errorf("%d values are left", left)
	}
}

// claim publishes with a claim whose value is the ids.
func claim(ctx context.Context, hub *notify.Hub, in kv.Store, key string, n int) ([]string, error) {
	var ids []string
	ctx = notify.WithClaim(ctx, notify.Claim{In: in, Key: key, TTL: time.Minute,
		Value: func(results []notify.Result) []byte {
			for _, r := range results {
				ids = append(ids, r.Receipt.ID)
			}
			return []byte(strings.Join(ids, " "))
		}})
	items := make([]notify.Publication, n)
	for i := range items {
		items[i] = notify.Publication{Target: notify.ToUser("u"),
			Notification: notify.Notification{Type: "t", Data: []byte("1")}}
	}
	_, err := hub.PublishBatch(ctx, items)
	return ids, err
}

// The messages and the value of their claim are one commit, and synced.
func TestClaimIsOneCommit(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	s := open(t, "data", func(o *Options) { o.fs = fs })
	hub := notify.New(s.Log(), notify.DefaultOptions())
	ids, err := claim(t.Context(), hub, s.KV("a", kvtest.Wide), "k", 3)
	if err != nil || len(ids) != 3 {
		t.Fatal(ids, err)
	}
	after := fs.CrashClone(vfs.CrashCloneCfg{})
	hub.Close()
	closed(t, s)
	s = open(t, "data", func(o *Options) { o.fs = after })
	defer closed(t, s)
	if head := s.Log().Head(); head.String() != ids[2] {
		t.Errorf("head %v, want %s", head, ids[2])
	}
	value, err := s.KV("a", kvtest.Wide).Get(t.Context(), "k")
	if err != nil || string(value) != strings.Join(ids, " ") {
		t.Errorf("%q %v, want %q", value, err, ids)
	}
}

// Of many publishes with one key, one is stored; the others get its value.
func TestClaimedPublish(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), nil)
	defer closed(t, s)
	hub := notify.New(s.Log(), notify.DefaultOptions())
	defer hub.Close()
	in := s.KV("a", kvtest.Wide)
	before := s.Log().Head().Seq
	values := make([]string, 20)
	var wg sync.WaitGroup
	for i := range values {
		wg.Go(func() {
			ids, err := claim(t.Context(), hub, in, "k", 2)
			var claimed *notify.ClaimedError
			switch {
			case errors.As(err, &claimed):
				values[i] = string(claimed.Value)
			case err != nil:
				t.Error(err)
			default:
				values[i] = strings.Join(ids, " ")
			}
		})
	}
	wg.Wait()
	for _, value := range values {
		if value != values[0] || value == "" {
			t.Fatalf("the publishes got %q", values)
		}
	}
	if stored := s.Log().Head().Seq - before; stored != 2 {
		t.Errorf("%d messages are stored", stored)
	}
}
