package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/kv"
)

const (
	// expirySize is the size of the expiry before a value: Unix time in milliseconds, decimal.
	expirySize = 13
	// clockSlack is how much longer the server keeps a value than its life, so that a node whose clock
	// is behind still finds it.
	clockSlack = time.Minute
	// expireStep is how many entries of its index a call removes because they have expired.
	expireStep = 1024
	// deleteStep is how many keys one DEL has.
	deleteStep = 1024
)

// bucket is the kv.Store of one name. Its clock is that of the node. The limits are for what this
// node has stored: the index has its keys, and what goes for newer values is deleted. Values of a
// node that has ended expire.
type bucket struct {
	c      *Client
	prefix string

	mu    sync.Mutex
	index *kv.Index[struct{}] // guarded by mu
}

// KV returns the kv.Store of a name, which has no colon. The nodes of a cluster share its values;
// the limits are those of one node. All calls with one name return the same store, with the limits
// of the last call.
//
// Values are as safe as the server: one that loses what it has acknowledged loses them, too.
func (c *Client) KV(name string, limits kv.Limits) kv.Store {
	c.mu.Lock()
	b := c.buckets[name]
	if b == nil {
		b = &bucket{c: c, prefix: c.key("kv:" + name + ":"), index: kv.NewIndex[struct{}](limits)}
		c.buckets[name] = b
	}
	c.mu.Unlock()
	b.mu.Lock()
	removed := b.index.Limit(limits)
	b.mu.Unlock()
	_ = b.delete(context.Background(), removed) // else they expire
	return b
}

// encode returns what the server stores of a value.
func encode(value []byte, expires time.Time) []byte {
	stored := make([]byte, 0, expirySize+len(value))
	stored = fmt.Appendf(stored, "%0*d", expirySize, expires.UnixMilli())
	return append(stored, value...)
}

// decode returns the value that is stored and its life, or nil when it has expired or is not one of ours.
func decode(stored string, now time.Time) (value []byte, left time.Duration) {
	if len(stored) <= expirySize {
		return nil, 0
	}
	expires, err := strconv.ParseInt(stored[:expirySize], 10, 64)
	if err != nil || now.UnixMilli() >= expires {
		return nil, 0
	}
	return []byte(stored[expirySize:]), time.UnixMilli(expires).Sub(now)
}

// life is how long the server keeps a value.
func life(ttl time.Duration) time.Duration { return max(ttl, time.Millisecond) + clockSlack }

// Get implements kv.Store.
func (b *bucket) Get(ctx context.Context, key string) ([]byte, error) {
	value, left, err := b.read(ctx, func(ctx context.Context, r *redis.Client) *redis.StringCmd {
		return r.Get(ctx, b.prefix+key)
	})
	if value != nil && b.c.o.Replicate { // nobody may rely on a value that can still be lost
		var isThere *redis.BoolCmd // false: another server may have taken over
		err = b.c.confirm(ctx, func(ctx context.Context, p redis.Pipeliner) {
			isThere = p.PExpire(ctx, b.prefix+key, life(left))
		})
		if err != nil || !isThere.Val() {
			return nil, err
		}
	}
	return value, err
}

// Take implements kv.Store.
func (b *bucket) Take(ctx context.Context, key string) ([]byte, error) {
	b.mu.Lock()
	b.index.Remove(key)
	b.mu.Unlock()
	value, _, err := b.read(ctx, func(ctx context.Context, r *redis.Client) *redis.StringCmd {
		return r.GetDel(ctx, b.prefix+key)
	})
	return value, err
}

func (b *bucket) read(
	ctx context.Context, command func(context.Context, *redis.Client) *redis.StringCmd,
) (value []byte, left time.Duration, err error) {
	var stored string
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		stored, err = command(ctx, r).Result()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	value, left = decode(stored, b.c.o.Now())
	return value, left, nil
}

// Put implements kv.Store.
func (b *bucket) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	expires := b.c.o.Now().Add(ttl)
	stored := encode(value, expires)
	err := b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.Set(ctx, b.prefix+key, stored, life(ttl)).Err()
	})
	return errors.Join(err, b.note(ctx, key, len(stored), expires))
}

// claim stores a value for a key that has none, or returns the one that it has. ARGV: the time, the
// value, and how many milliseconds the server keeps it.
var claim = redis.NewScript(`
local old = redis.call('GET', KEYS[1])
if old and (tonumber(string.sub(old, 1, 13)) or 0) > tonumber(ARGV[1]) then return old end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return false`)

// Claim implements kv.Store.
func (b *bucket) Claim(ctx context.Context, key string, value []byte, ttl time.Duration) (
	old []byte, won bool, err error,
) {
	now := b.c.o.Now()
	expires := now.Add(ttl)
	stored := encode(value, expires)
	var found string
	err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		found, err = claim.Run(ctx, r, []string{b.prefix + key}, now.UnixMilli(), stored,
			life(ttl).Milliseconds()).Text()
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		return nil, true, b.note(ctx, key, len(stored), expires)
	case err != nil:
		return nil, false, err
	}
	old, _ = decode(found, now)
	return old, false, nil
}

// note counts a value that this node has stored, and deletes those that have to go for it.
func (b *bucket) note(ctx context.Context, key string, size int, expires time.Time) error {
	b.mu.Lock()
	b.index.Expire(b.c.o.Now(), expireStep)
	removed := b.index.Put(key, struct{}{}, size-expirySize, expires)
	b.mu.Unlock()
	return b.delete(ctx, removed)
}

func (b *bucket) delete(ctx context.Context, keys []string) (err error) {
	for len(keys) > 0 && err == nil {
		n := min(len(keys), deleteStep)
		names := make([]string, n)
		for i, key := range keys[:n] {
			names[i] = b.prefix + key
		}
		keys = keys[n:]
		err = b.c.do(ctx, func(ctx context.Context, r *redis.Client) error {
			return r.Del(ctx, names...).Err()
		})
	}
	return err
}
