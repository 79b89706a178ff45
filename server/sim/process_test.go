package sim

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/disklog"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/socketio"
	"github.com/roomcast/roomcast/sse"
)

const directory = "/data"

// process is one run of the server.
type process struct {
	disk    *disk
	store   *disklog.Store // nil: everything is in memory
	hub     *notify.Hub
	sockets *socketio.Server
	streams *sse.Handler
	http    *http.Server
	served  chan struct{}
	fatal   chan ending // has a value after a failed write
	gone    atomic.Bool // no publisher gets an answer any more
}

// ending is what a failed write leaves.
type ending struct {
	err error
	mem *vfs.MemFS
}

// start starts a process on a file system.
func (w *world) start(mem *vfs.MemFS) *process {
	w.t.Helper()
	p := &process{disk: newDisk(mem), served: make(chan struct{}), fatal: make(chan ending, 1)}
	options := w.settings.hub()
	var log notify.Log = notify.NewMemoryLog()
	if w.settings.disk {
		o := w.settings.store().On(p.disk)
		random := rand.New(rand.NewPCG(w.damage.Uint64(), 0)) // another goroutine uses it
		o.Fatal = func(err error) {
			if p.gone.Swap(true) {
				return // only its parts end now
			}
			w.network.down()
			left := ending{err, p.disk.after(50*random.IntN(3), random)}
			p.disk.healthy()
			p.fatal <- left
			runtime.Goexit() // where the program exits
		}
		store, err := disklog.Open(o)
		if err != nil {
			w.t.Fatalf("the store does not open: %v", err)
		}
		p.store, log = store, store.Log()
		options.Sessions, options.RetainedStore = store.Sessions(), store.Retained()
	}
	p.hub = notify.New(log, options)
	w.check(p.serve(w.network.listen()))
	return p
}

// serve is what the packages main and server do, without their listeners.
func (p *process) serve(l *listener) error {
	authenticator, err := auth.New(auth.Options{Mode: auth.ModeOpen})
	if err != nil {
		return err
	}
	o := socketio.DefaultOptions()
	o.Hub, o.Auth = p.hub, authenticator
	if p.sockets, err = socketio.New(o); err != nil {
		return err
	}
	so := sse.DefaultOptions()
	so.Hub, so.Auth, so.Problem, so.Address = p.hub, authenticator, edge.WriteProblem, edge.ClientIP
	if p.streams, err = sse.New(so); err != nil {
		return err
	}
	routes := http.NewServeMux()
	routes.Handle("/socket.io/", p.sockets)
	routes.Handle("/sse", p.streams.Stream(""))
	p.http = &http.Server{Handler: edge.WithInfo(nil, routes)}
	go func() {
		defer close(p.served)
		_ = p.http.Serve(l)
	}()
	return nil
}

// drain is a SIGTERM: everything that was accepted reaches the connections.
func (p *process) drain() {
	p.hub.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p.end(ctx)
}

// reap ends the goroutines of a process of which nothing is seen any more.
func (p *process) reap() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.end(ctx)
}

// end ends the parts. Errors say that clients were cut, or, of a store that failed, how.
func (p *process) end(ctx context.Context) {
	streams := make(chan struct{})
	go func() {
		defer close(streams)
		_ = p.streams.Shutdown(ctx)
	}()
	_ = p.sockets.Shutdown(ctx)
	<-streams
	if p.http.Shutdown(ctx) != nil {
		_ = p.http.Close()
	}
	<-p.served
	p.hub.Close()
	if p.store != nil {
		_ = p.store.Close()
	}
}
