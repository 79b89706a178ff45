package notify

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options are the bounds of a Hub. New takes them as they are, a negative one as 0; start from DefaultOptions.
type Options struct {
	// HistorySize is how many messages each room keeps for replay. With 0 nothing is kept: clients that come back get a
	// gap. The default is 256.
	HistorySize int

	// HistoryTTL is for how long a message is kept, to the second. With 0 it is gone at the next sweep or publish. The
	// default is 5 minutes.
	HistoryTTL time.Duration

	// HistoryMaxBytes is the memory that all kept messages take, the oldest going first: data, metadata, names of rooms
	// and of excepted clients, frames of every transport, and the structures around them. With 0 nothing is kept. The
	// default is 64 MiB.
	HistoryMaxBytes int64

	// SessionTTL is for how long a session outlives its member. With 0 there is none to come back to. The default is 5
	// minutes.
	SessionTTL time.Duration

	// MaxSessions is how many sessions are kept without a member, the oldest going first. The default is 20,000.
	MaxSessions int

	// MaxSessionBytes is the memory that these take, without the transports' own data. The default is 32 MiB.
	MaxSessionBytes int64

	// MaxReplay is how many messages one resume or History returns, the newest ones. With 0 a client that missed
	// something gets a gap in place of it. The default is 1,000.
	MaxReplay int

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// DefaultOptions returns the bounds of a Hub on a machine of a few GB, with clients that come back within minutes.
func DefaultOptions() Options {
	return Options{
		HistorySize: 256, HistoryTTL: 5 * time.Minute, HistoryMaxBytes: 64 << 20,
		SessionTTL: 5 * time.Minute, MaxSessions: 20_000, MaxSessionBytes: 32 << 20,
		MaxReplay: 1000,
	}
}

// valid returns o without negative bounds and with a clock.
func (o Options) valid() Options {
	o.HistorySize, o.HistoryTTL, o.HistoryMaxBytes = max(o.HistorySize, 0), max(o.HistoryTTL, 0), max(o.HistoryMaxBytes, 0)
	o.MaxSessions, o.SessionTTL, o.MaxSessionBytes = max(o.MaxSessions, 0), max(o.SessionTTL, 0), max(o.MaxSessionBytes, 0)
	o.MaxReplay = max(o.MaxReplay, 0)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Hub gives every message of a log to the members of its rooms, live when they keep up and from its index when
// they lag or come back. All methods may be called by any goroutine; none calls a function of a transport, of
// the log or a hook while it holds the Hub's lock.
type Hub struct {
	log  Log
	o    Options
	stop func() // ends the sweeper and waits for it

	attached, detached func(*Member) // hooks, set before serving
	wakes              sync.Pool     // *wakeList
	closed             atomic.Bool

	mu sync.Mutex // guards everything below and every Member
	// head is the last message indexed: the place of everyone who has nothing pending.
	head     ID
	index    index
	members  map[memberKey]*Member
	users    map[string]*user
	online   int            // users with a member in "/"
	lagging  int            // members that lag
	carried  map[string]int // members in "/" by transport
	ids      map[string]int // client ids of members and kept sessions
	sessions sessions
	channels int    // channels with a member
	stamp    uint64 // of the last publish or match, counting up
	runs     []run  // scratch of a replay

	counters counters
}

type memberKey struct{ namespace, clientID string }

// user is what the members of one user share.
type user struct {
	refs   int    // members of all namespaces
	online int    // members in "/"
	stamp  uint64 // of the last publish that counted the user
}

const (
	sweepInterval = time.Second
	sweepStep     = 1024 // entries trimmed under the lock at a time by Sweep
	publishStep   = 32   // and by a publish
)

// New returns a Hub that follows log, which it does not close. It runs one goroutine that sweeps every second,
// until Close.
func New(log Log, o Options) *Hub {
	o = o.valid()
	stored := log.Head()
	h := &Hub{
		log: log, o: o,
		head:     ID{Epoch: stored.Epoch},
		index:    index{size: o.HistorySize, ttl: o.HistoryTTL, maxBytes: o.HistoryMaxBytes},
		members:  make(map[memberKey]*Member),
		users:    make(map[string]*user),
		ids:      make(map[string]int),
		carried:  make(map[string]int),
		sessions: newSessions(),
	}
	h.wakes.New = func() any { return newWakeList(&h.wakes) }
	log.Follow(h.head, h.follow)
	h.begin(stored)
	h.stop = every(sweepInterval, func() { h.Sweep(o.Now()) })
	return h
}

// begin notes what the log stored before the Hub and no longer retains, when nothing follows it.
func (h *Hub) begin(stored ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.head.Epoch == stored.Epoch && h.head.Seq < stored.Seq {
		h.lose(ID{stored.Epoch, stored.Seq + 1}, nil)
	}
}

// Close ends the sweeper and refuses new members and messages. Members are detached by their transports; the log
// is closed by its owner.
func (h *Hub) Close() {
	h.closed.Store(true)
	h.stop()
}

// OnAttach adds a function that is called after a member is attached. Add it before serving.
func (h *Hub) OnAttach(f func(*Member)) { h.attached = then(h.attached, f) }

// OnDetach adds a function that is called after a member is detached. Add it before serving.
func (h *Hub) OnDetach(f func(*Member)) { h.detached = then(h.detached, f) }

func then(first, second func(*Member)) func(*Member) {
	if first == nil {
		return second
	}
	return func(m *Member) {
		first(m)
		second(m)
	}
}

// Head returns the id of the last message that was delivered on this node.
func (h *Hub) Head() ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.head
}

// Sweep trims history and sessions that are too old at now. The Hub calls it every second.
func (h *Hub) Sweep(now time.Time) {
	for more := true; more; {
		h.mu.Lock()
		more = h.index.trim(now, sweepStep)
		if !more {
			h.expireSessions(now)
		}
		h.mu.Unlock()
	}
}

// every calls f at each tick until stop, which waits for the last call.
func every(interval time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() { close(quit) })
		<-done
	}
}
