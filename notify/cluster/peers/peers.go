// Package peers calls the other Socket.IO servers of a cluster, and answers their calls.
//
// Calls are what the adapters of Socket.IO for Node have besides broadcasts: fetchSockets,
// serverSideEmit, broadcasts that clients acknowledge, and socketsJoin, socketsLeave and
// disconnectSockets. The other servers are Roomcast nodes, and servers on Node with
// @socket.io/redis-streams-adapter.
//
// Version 0.3 of the adapter publishes calls and answers, and counts the servers by the
// subscriptions of a channel. Version 0.2 writes them to the stream, and counts the servers that it
// has heard in the last 10 seconds. A call of ours goes to the stream while a server with 0.2 is
// heard, because all servers read the stream, and else to the channel: no server gets it twice. An
// answer goes where its call came from.
//
// The same channels carry volatile messages, see Peers.Relay.
//
// Servers with @socket.io/redis-adapter, the pub/sub adapter, can be beside the cluster. They take it for
// one server: one node at a time answers them for all, see Peers.Represent. Calls of every node reach them.
package peers

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// Channels publishes messages to channels, and receives those of other servers. Messages are lost
// while a server is not connected.
type Channels interface {
	// Publish sends messages in their order.
	Publish(ctx context.Context, messages ...Message) error
	// Subscribers returns how many connections are subscribed to each of the channels by its name.
	Subscribers(ctx context.Context, channels ...string) ([]int, error)
	// Subscribe and Unsubscribe change the channels to receive. They do not wait.
	Subscribe(channels ...string)
	Unsubscribe(channels ...string)
	// Wait returns when channels are subscribed.
	Wait(ctx context.Context, channel string, more ...string) error
	// Receive sets the function that gets the messages, one at a time. It must be called once,
	// before Subscribe.
	Receive(f func(channel string, payload []byte))
}

// Message is a message for a channel.
type Message struct {
	Channel string
	Payload []byte
}

// Stream is the stream that the servers share.
type Stream interface {
	// Append adds entries in their order. It returns when they are stored.
	Append(ctx context.Context, entries ...*nodewire.Entry) error
	// Receive sets the function that gets the entries that other servers add, one at a time: all
	// types except TypeSignal, and except broadcasts without a RequestID. When f gets an entry of
	// TypeJoin, TypeLeave or TypeDisconnect, all messages before it are delivered, and those after
	// it are not. f does not wait. Receive must be called once, before the stream is read.
	Receive(f func(*nodewire.Entry))
	// Ready returns a channel that is closed when the entries are received that are added from then
	// on.
	Ready() <-chan struct{}
}

// Local is this server. The methods do not wait for clients or servers.
type Local interface {
	// Sockets returns the Socket.IO clients that opts select, with IDs and names of rooms that are
	// valid UTF-8.
	Sockets(namespace string, opts nodewire.Opts) []nodewire.Socket
	// Ask sends an event to the selected Socket.IO clients. It calls counted once with the number of
	// clients, and then answer for each acknowledgement that arrives before ctx ends. done is called
	// when no more can arrive.
	Ask(ctx context.Context, e *nodewire.Entry, counted func(int), answer func(nodewire.Value),
		done func())
	// Change selects the clients of an entry of TypeJoin, TypeLeave or TypeDisconnect, and returns a
	// function that does with them what it says.
	Change(e *nodewire.Entry) (do func())
	// ServerEvent calls the handlers of an event of another server, and may wait for them. answer is
	// nil if the server wants no answer; only the first call of it counts.
	ServerEvent(ctx context.Context, e *nodewire.Entry, answer func(nodewire.Value))
}

// Options are the settings of a Peers. Start from DefaultOptions.
type Options struct {
	// UID is the id of this server. It must be the one with which the server writes its messages to
	// the stream: a server with adapter 0.2 waits for an answer of every uid that it reads.
	UID string
	// Prefix begins the names of channels. The default is "socket.io", as in Node.
	Prefix string
	// Servers begins the names of the channels of servers with the pub/sub adapter, which are not in the
	// cluster, and differs from Prefix. Empty: there are none.
	Servers string
	// Timeout is how long servers may take for an answer. The default is 5 seconds, as in Node.
	Timeout time.Duration
	Log     *zap.Logger // nil: no log
}

// DefaultOptions returns the options of a server with a new UID.
func DefaultOptions() Options {
	return Options{UID: nodewire.NewUID(), Prefix: "socket.io", Timeout: 5 * time.Second}
}

// Errors of calls.
var (
	// ErrBusy means that too many calls are under way, or that their answers take too much memory.
	ErrBusy = errors.New("too many calls to other servers are under way")
	// ErrClosed means that this server has left the cluster.
	ErrClosed = errors.New("this server has left the cluster")
)

// Peers are the other servers of the cluster. Any goroutine may call the methods.
type Peers struct {
	o        Options
	log      *zap.Logger
	channels Channels
	stream   Stream
	local    Local
	newID    func() string // of a request; tests replace it

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // goroutines
	ended   chan struct{}  // closed when the outbox is empty for ever
	handled chan struct{}  // closed when the last handler of an event has returned

	requests, events inbox[request] // of other servers
	represented      inbox[request] // of servers with the pub/sub adapter
	asks             slots          // broadcasts of other servers that clients acknowledge
	representedAsks  slots          // those of servers with the pub/sub adapter
	outbox           outbox
	relay            relay
	changes          changes

	toldSkipped, toldFull, toldLarge, toldLost, toldPartial seldom

	mu         sync.Mutex // guards the fields below
	isServing  bool
	represents time.Time      // until when this server represents the cluster; zero: it does not
	responses  map[string]int // how many calls wait for servers with the pub/sub adapter, by namespace
	namespaces map[string]*namespace
	idle       list.List // the namespaces that nobody uses, since the longest first
	calls      map[string]*call
	answers    int // bytes of the answers to calls
	olds       map[old]time.Time
}

// New returns the Peers of a server, which is alone until Serve.
func New(channels Channels, stream Stream, o Options) *Peers {
	p := &Peers{
		o: o, log: o.Log, channels: channels, stream: stream, newID: newRequestID,
		ended: make(chan struct{}), handled: make(chan struct{}),
		namespaces: make(map[string]*namespace), calls: make(map[string]*call),
		olds: make(map[old]time.Time), responses: make(map[string]int),
	}
	if p.log == nil {
		p.log = zap.NewNop()
	}
	p.life, p.end = context.WithCancel(context.Background())
	p.requests.start(maxRequests, maxRequestBytes)
	p.events.start(maxRequests, maxRequestBytes)
	p.represented.start(maxRequests, maxRequestBytes)
	p.asks.free, p.representedAsks.free = maxAsks, maxRepresentedAsks
	p.outbox.start(maxItems, maxItemBytes)
	p.relay.start(p)
	p.changes.start()
	for _, told := range []*seldom{
		&p.toldSkipped, &p.toldFull, &p.toldLarge, &p.toldLost, &p.toldPartial,
	} {
		told.start()
	}
	channels.Receive(p.published)
	stream.Receive(p.read)
	return p
}

// Serve begins to answer for a server. It must be called once. The Peers have to be closed.
func (p *Peers) Serve(local Local) {
	p.mu.Lock()
	p.local, p.isServing = local, true
	for name := range p.namespaces {
		p.subscribe(name)
	}
	p.mu.Unlock()
	for range requestWorkers {
		p.running.Go(func() { p.requests.work(p.life, p.answer) })
	}
	if p.o.Servers != "" {
		for range representedWorkers {
			p.running.Go(func() { p.represented.work(p.life, p.answerPubSub) })
		}
	}
	p.running.Go(p.tend)
	go func() {
		defer close(p.handled)
		p.events.work(p.life, p.handleEvent) // one goroutine: events are in order
	}()
	go func() {
		defer close(p.ended)
		p.write()
	}()
	p.relay.serve()
	p.Enter("/")
	p.running.Go(p.greet)
}

// Close leaves the cluster: it tells the servers that count this one by its entries. It gives what
// waits to be written, and the handler of an event that runs, Timeout.
func (p *Peers) Close() {
	select { // what was asked while this server represented the cluster
	case <-p.represented.handled():
	case <-time.After(p.answerTime()):
	}
	p.mu.Lock()
	was := p.isServing
	p.isServing = false
	p.mu.Unlock()
	if !was {
		p.end()
		return
	}
	p.leaveAll()
	p.changes.close()
	p.end()
	p.outbox.close()
	p.relay.close()
	<-p.ended
	p.running.Wait()
	timer := time.NewTimer(p.o.Timeout)
	defer timer.Stop()
	select {
	case <-p.handled:
	case <-timer.C:
	}
}
