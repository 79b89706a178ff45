package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/server/servertest/client"
	"github.com/roomcast/roomcast/server/servertest/oracle"
)

// world is one run: a server that restarts, its clients, and what happens to them.
type world struct {
	t        *testing.T
	random   *rand.Rand // of what happens, and when
	damage   *rand.Rand // of what a file system loses
	settings settings
	network  *network
	book     *oracle.Book
	begin    time.Time
	trace    []string

	clients    []*client.Client
	publishers sync.WaitGroup
	stop       context.CancelFunc // of the publishers

	mu      sync.Mutex
	process *process // guarded by mu, for the publishers
}

var channels = []string{"a", "b", "c"}

func newWorld(t *testing.T, seed uint64) *world {
	random := rand.New(rand.NewPCG(seed, 0))
	w := &world{t: t, random: random, damage: rand.New(rand.NewPCG(seed, 2)),
		settings: chooseSettings(random), network: newNetwork(seed), book: oracle.NewBook(),
		begin: time.Now()}
	w.book.Renewed = w.settings.renews()
	w.note("seed %d: %v", seed, w.settings)
	w.process = w.start(vfs.NewCrashableMem())
	return w
}

// note writes down what happens, for the report of a seed that fails.
func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%9.3fs ", time.Since(w.begin).Seconds())+
		fmt.Sprintf(format, args...))
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run is the life of a world.
func (w *world) run() {
	w.populate()
	faults := w.faults()
	for range 2 + w.random.IntN(4) {
		w.sleep(2 * time.Second)
		faults[w.random.IntN(len(faults))]()
		w.revive()
	}
	w.sleep(time.Second)
	w.calm()
	w.stop()
	w.publishers.Wait()
	w.revive()
	w.last()
	report := w.book.Verify(w.t)
	if report.Gaps > 0 && w.settings.keepsAll() {
		w.t.Errorf("everything is kept, and clients got %d gaps", report.Gaps)
	}
	w.note("%v", report)
	for _, c := range w.clients {
		c.Stop()
	}
	w.process.drain()
	w.network.down()
}

// populate starts the clients and publishers.
func (w *world) populate() {
	for i := range 1 + w.random.IntN(3) {
		name := fmt.Sprintf("client-%d", i)
		in := channels[w.random.IntN(2):]
		c := client.Start(w.t, client.Options{Base: "sim", Dial: w.network.dial, User: name,
			Transport: client.Transports[w.random.IntN(len(client.Transports))], Channels: in,
			Pause: 50 * time.Millisecond, Silence: 90 * time.Second}, w.book.Reader(name, in...))
		w.clients = append(w.clients, c)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	for i := range 1 + w.random.IntN(2) {
		p := &publisher{w: w, name: fmt.Sprintf("p%d", i), batch: 1 + w.random.IntN(2),
			channel: channels[w.random.IntN(len(channels))]}
		every := time.Duration(100+w.random.IntN(1500)) * time.Millisecond
		w.publishers.Go(func() { p.until(ctx, every) })
	}
}

// running returns the process that runs, or the last one that did.
func (w *world) running() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.process
}

// last publishes to every channel, so that each client has something to wait for.
func (w *world) last() {
	for _, channel := range channels {
		(&publisher{w: w, name: "last-" + channel, channel: channel, batch: 1}).publish()
	}
}

// sleep lets the world go on for a time that is at most d.
func (w *world) sleep(d time.Duration) { time.Sleep(time.Duration(w.random.Int64N(int64(d)))) }
