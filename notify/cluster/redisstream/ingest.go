package redisstream

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/notify/internal/queue"
)

const (
	// ingestLife is how long the lock of the node that ingests lives without a renewal.
	ingestLife = 5 * time.Second
	// ingestRenewal is how often that node renews it, and how often the others try to take it.
	ingestRenewal = time.Second
)

// Ingest writes to the stream what emitters of Socket.IO publish, and servers with the pub/sub adapter,
// so that the whole cluster gets it, once. One node of the cluster does this at a time: the one that has
// the lock. When that node ends, what is published until another one has the lock is lost.
//
// The same node publishes to these servers what the stream has, see bridge.
type Ingest struct {
	o     IngestOptions
	holds func(until time.Time) // nil: nobody wants to know
	l     *Log
	c     *Client
	queue *queue.Queue[*published]

	life    context.Context // ends with Close
	end     context.CancelFunc
	running chan struct{} // closed when the lock is given up
	writing context.Context
	stop    context.CancelFunc // of writing
	written chan struct{}      // closed when the writer has ended

	volatile         atomic.Int64 // messages in the queue that are for servers with the pub/sub adapter
	bridged          atomic.Int64 // Unix time in ms at which the bridge had published all; 0: no bridge
	dropped, skipped atomic.Uint64
	told, toldSkip   rate.Sometimes // limit the lines about what is not written

	terms int // how often this node has tried to take the lock; of the goroutine of run

	mu   sync.Mutex
	term string // guarded by mu: the value of the lock while this node has it and listens
}

// OpenIngest begins to ingest for the cluster of a log. Close it before the log. It does not
// wait for the server.
//
// With IngestOptions.Servers it tells holds, unless that is nil, until when this node has the lock: again
// and again while it has it, and the zero time when it has it no more.
func OpenIngest(l *Log, o IngestOptions, holds func(until time.Time)) *Ingest {
	g := &Ingest{
		o: o, holds: holds, l: l, c: l.of, queue: queue.New[*published](errIngestFull),
		running: make(chan struct{}), written: make(chan struct{}),
		told: rate.Sometimes{Interval: time.Minute}, toldSkip: rate.Sometimes{Interval: time.Minute},
	}
	g.life, g.end = context.WithCancel(g.c.life)
	g.writing, g.stop = context.WithCancel(g.c.life)
	go g.run()
	go g.write()
	return g
}

// Close writes what has arrived, for at most [Timeout], and gives the lock to another node.
func (g *Ingest) Close() {
	g.end()
	<-g.running
}

// Dropped returns how many messages this node has not written because too many waited, or because
// Redis did not answer.
func (g *Ingest) Dropped() uint64 { return g.dropped.Load() }

// Skipped returns how many messages this node has passed over because they are damaged.
func (g *Ingest) Skipped() uint64 { return g.skipped.Load() }

// BridgeLag returns how long ago servers with the pub/sub adapter had everything. It is at most a second or
// two while that goes well, and 0 while another node has the lock.
func (g *Ingest) BridgeLag() time.Duration {
	at := g.bridged.Load()
	if at == 0 {
		return 0
	}
	return max(0, time.Since(time.UnixMilli(at)))
}

// isHolder reports whether this node has the lock and is subscribed.
func (g *Ingest) isHolder() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.term != ""
}

func (g *Ingest) lockKey() string { return g.c.key("ingest") }

// run takes the lock whenever no node has it, and ingests while this one has it.
func (g *Ingest) run() {
	defer close(g.running)
	for ticker := time.NewTicker(ingestRenewal); ; {
		start := time.Now()
		if term, won := g.claim(); won {
			g.hold(term, start, ticker.C)
		}
		select {
		case <-ticker.C:
		case <-g.life.Done():
			ticker.Stop()
			g.finish()
			<-g.written
			return
		}
	}
}

// finish lets the writer end.
func (g *Ingest) finish() {
	g.queue.Close()
	timer := time.NewTimer(g.c.timeout)
	defer timer.Stop()
	select {
	case <-g.written:
	case <-timer.C:
	}
	g.stop()
}

// claim tries to take the lock. Its value is new each time: what this node has received with a former
// lock is not written with the next one, because another node may have written it meanwhile.
func (g *Ingest) claim() (term string, won bool) {
	g.terms++
	term = g.l.uid + ":" + strconv.Itoa(g.terms)
	err := g.c.do(g.life, func(ctx context.Context, r *redis.Client) (err error) {
		won, err = r.SetNX(ctx, g.lockKey(), term, ingestLife).Result()
		return err
	})
	return term, err == nil && won
}

// renewLock keeps the lock of a node. ARGV: its value, and how many milliseconds it lives.
var renewLock = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

// hold listens while this node has the lock, which it took after start.
func (g *Ingest) hold(term string, start time.Time, tick <-chan time.Time) {
	ctx, cancel := context.WithCancel(g.life)
	var working sync.WaitGroup
	listening := make(chan struct{})
	working.Go(func() { g.listen(ctx, term, sync.OnceFunc(func() { close(listening) })) })
	if g.o.Servers != "" {
		working.Go(func() { newBridge(g, term).run(ctx, listening) })
	}
	g.tell(start.Add(ingestLife))
	g.c.o.Log.Info("this node ingests what others publish")
	defer g.c.o.Log.Info("this node no longer ingests what others publish")
	for isHeld := true; isHeld; {
		select {
		case <-tick:
		case <-g.life.Done():
			g.tell(time.Time{})
			cancel()
			working.Wait()
			g.finish() // the writer needs the lock
			g.release(term)
			return
		}
		now := time.Now()
		renewed, err := g.renew(term)
		switch {
		case err == nil && renewed:
			start = now
			g.tell(start.Add(ingestLife))
		case err == nil, time.Since(start) > ingestLife:
			isHeld = false
		}
	}
	g.tell(time.Time{})
	cancel()
	working.Wait()
}

// tell tells until when this node has the lock, as far as it knows.
func (g *Ingest) tell(until time.Time) {
	if g.o.Servers != "" && g.holds != nil {
		g.holds(until)
	}
}

// renew reports whether this node still has the lock, and keeps it then.
func (g *Ingest) renew(term string) (isHeld bool, err error) {
	err = g.c.do(g.life, func(ctx context.Context, r *redis.Client) (err error) {
		isHeld, err = renewLock.Run(ctx, r, []string{g.lockKey()}, term, ingestLife.Milliseconds()).Bool()
		return err
	})
	return isHeld, err
}

// releaseLock deletes the lock of a node. ARGV: its value.
var releaseLock = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

// release gives the lock up. Without the server it expires.
func (g *Ingest) release(term string) {
	_ = g.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		return releaseLock.Run(ctx, r, []string{g.lockKey()}, term).Err()
	})
}

// drop counts messages that are lost.
func (g *Ingest) drop(n int, err error) {
	g.dropped.Add(uint64(n))
	g.told.Do(func() {
		g.c.o.Log.Warn("messages of REDIS_INGEST are lost, as others may be", zap.Int("messages", n),
			zap.Error(err))
	})
}

// skip counts a message that is damaged.
func (g *Ingest) skip(m *published, err error) {
	g.skipped.Add(1)
	g.toldSkip.Do(func() {
		g.c.o.Log.Warn("a message of REDIS_INGEST is damaged and is skipped, as others may be",
			zap.String("channel", m.name()), zap.String("field", fieldOf(err)), m.reason(err))
	})
}

var errIngestFull = errors.New("too many wait to be written")
