package redisstream

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// nodeUser is the user that the documentation tells operators to create.
const nodeUser = "roomcast on >node-password resetkeys ~socket.io* ~sio:session:* ~roomcast:* " +
	"resetchannels &socket.io* &roomcast:* -@all +xadd +xread +xrange +xrevrange +xinfo +get +set " +
	"+getdel +del +mget +pexpire +hset +hincrby +hdel +hget +hgetall +hscan +zadd +zrem +zrangebyscore " +
	"+publish +subscribe +psubscribe +unsubscribe +pubsub +multi +exec +eval +evalsha " +
	"+script|load +wait +info +ping +hello +client"

func options(url string) Options {
	o := DefaultOptions()
	o.URL = auth.Secret(url)
	return o
}

// unhurried returns options with which calls have time, however slow the machine is.
func unhurried(o Options) Options {
	o.timeout = servertest.Patience
	return o
}

// dial returns a connected client, which the test closes.
func dial(t testing.TB, o Options) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	c, err := Dial(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// newClient returns a client that has not connected, and its log.
func newClient(t testing.TB, o Options) (*Client, *servertest.Log) {
	t.Helper()
	logger, log := servertest.NewLog()
	o.Log = logger
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, log
}

// start returns a server and a client of the user in the documentation.
func start(t testing.TB) (*redistest.Server, *Client) {
	t.Helper()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	return s, dial(t, options(s.URLOf("roomcast", "node-password")))
}

// startUnhurried is start with a client that waits, however slow the machine is.
func startUnhurried(t testing.TB) (*redistest.Server, *Client) {
	t.Helper()
	s := redistest.Start(t, redistest.Options{Users: []string{nodeUser}})
	return s, dial(t, unhurried(options(s.URLOf("roomcast", "node-password"))))
}

// deaf makes connections of a client lose a reply that has arrived.
type deaf struct{ next atomic.Bool } // the next reply is lost

func (d *deaf) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		return deafConn{conn, d}, err
	}
}

func (*deaf) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (*deaf) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

type deafConn struct {
	net.Conn
	of *deaf
}

func (c deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.of.next.CompareAndSwap(true, false) {
		return 0, syscall.ECONNRESET
	}
	return n, err
}

// startDeaf is start with a client that can lose a reply.
func startDeaf(t testing.TB) (*redistest.Server, *Client, *deaf) {
	t.Helper()
	s := redistest.Start(t, redistest.Options{})
	c, _ := newClient(t, options(s.URL()))
	d := &deaf{}
	c.single.AddHook(d)
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, c, d
}

func (c *Client) set(ctx context.Context, value string) error {
	return c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		return r.Set(ctx, c.key("test"), value, 0).Err()
	})
}

func (c *Client) get(ctx context.Context) (value string, err error) {
	err = c.do(ctx, func(ctx context.Context, r *redis.Client) error {
		value, err = r.Get(ctx, c.key("test")).Result()
		return err
	})
	return value, err
}
