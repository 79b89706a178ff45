package redisstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

func init() { logging.Disable() }

// ErrUnavailable means that the server could not be reached, or refused a command. The outcome of
// the call is unknown.
var ErrUnavailable = errors.New("the Redis server is unavailable")

// Client sends commands to Redis. Any goroutine may call its methods. It has no goroutine of its
// own while no call runs.
type Client struct {
	o       Options
	target  atomic.Pointer[target]
	tls     *tls.Config          // nil: without TLS
	single  *redis.Client        // nil in a Redis Cluster
	cluster *redis.ClusterClient // nil without one
	life    context.Context      // ends with Close
	end     context.CancelFunc

	remote atomic.Pointer[netip.AddrPort] // the server of the latest connection
	isDown atomic.Bool                    // the log says so
	isFull atomic.Bool                    // the log says that the server stores nothing
	told   rate.Sometimes                 // limits the lines that say so

	timeout                   time.Duration // Timeout, outside of tests
	pageTimeout, entryTimeout time.Duration // those of page.go, outside of tests

	mu      sync.Mutex
	buckets map[string]*bucket // guarded by mu
}

// New returns a client that has not connected yet. It refuses wrong options only.
func New(o Options) (*Client, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := checkName("stream", o.Stream); err != nil {
		return nil, err
	}
	target, err := parseURL(string(o.URL))
	if err != nil {
		return nil, fmt.Errorf("address of Redis: %w", err)
	}
	c := &Client{o: o, told: rate.Sometimes{Interval: time.Second}, buckets: make(map[string]*bucket),
		timeout: cmp.Or(o.timeout, Timeout), pageTimeout: pageTimeout, entryTimeout: entryTimeout}
	c.life, c.end = context.WithCancel(context.Background())
	c.target.Store(target)
	c.open(target)
	return c, nil
}

// Dial is [New] and [Client.Connect].
func Dial(ctx context.Context, o Options) (*Client, error) {
	c, err := New(o)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Connect waits until the server answers, and checks it. Its error wraps [ErrRefused] when the
// server cannot be used as it is, or else says what happened when ctx ended.
func (c *Client) Connect(ctx context.Context) error {
	for wait := newBackoff(); ; {
		err := c.Check(ctx)
		if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrClosed) {
			return err
		}
		if !wait.sleep(ctx, c.life) {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// Close ends all connections. Calls that run fail.
func (c *Client) Close() {
	c.end()
	if c.cluster != nil {
		_ = c.cluster.Close()
		return
	}
	_ = c.single.Close()
}

// key returns the name of a key of ours. All of them are in the slot of the stream.
func (c *Client) key(name string) string { return "roomcast:{" + c.o.Stream + "}:" + name }

// channel returns the name of a channel of ours.
func (c *Client) channel(name string) string { return "roomcast:{" + c.o.Stream + "}#" + name }

// do calls f with the server that has the keys of the stream, for at most [Timeout]. It returns
// [redis.Nil] as it is, and other errors without secrets.
func (c *Client) do(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	return c.doWithin(ctx, c.timeout, f)
}

// doWithin is do with another time.
func (c *Client) doWithin(
	ctx context.Context, d time.Duration, f func(context.Context, *redis.Client) error,
) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	server, err := c.server(ctx)
	if err == nil {
		err = f(ctx, server)
		if _, moved := redis.IsMovedError(err); moved && c.reload(ctx) {
			// The command was refused, so it can be repeated, at the server that has the slot now.
			if server, err = c.server(ctx); err == nil {
				err = f(ctx, server)
			}
		}
	}
	if err != nil && !errors.Is(err, redis.Nil) && caller.Err() != nil && c.life.Err() == nil {
		// The caller has no more time, which says nothing about the server.
		return fmt.Errorf("%w: %w", ErrUnavailable, c.clean(err))
	}
	return c.result(err)
}

// server returns the client of the server that has the keys of the stream.
func (c *Client) server(ctx context.Context) (*redis.Client, error) {
	if c.cluster == nil {
		return c.single, nil
	}
	return c.cluster.MasterForKey(ctx, c.o.Stream)
}

// reload reads again which server has which slots. It reports false without a Redis Cluster.
func (c *Client) reload(ctx context.Context) bool {
	if c.cluster == nil {
		return false
	}
	_ = c.cluster.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	return true
}

// result notes whether the server answers, and returns the error of a call for the caller.
func (c *Client) result(err error) error {
	full := isFull(err)
	if err == nil || errors.Is(err, redis.Nil) || full {
		if c.isDown.CompareAndSwap(true, false) {
			c.o.Log.Info("Redis answers again")
		}
		if !full {
			return err
		}
	}
	if c.life.Err() != nil {
		return ErrClosed
	}
	err = c.clean(err)
	if full {
		c.noteFull(err)
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if c.cluster != nil {
		c.cluster.ReloadState(c.life) // another server may have the slot now
	}
	if !c.isDown.Load() {
		c.told.Do(func() {
			c.isDown.Store(true)
			c.o.Log.Warn("Redis is unavailable", zap.Error(err))
		})
	}
	if isDenied(err) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// ErrClosed is the error of a call after [Client.Close], or during it.
var ErrClosed = fmt.Errorf("%w: the client is closed", ErrUnavailable)
