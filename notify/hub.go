package notify

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the bounds of a Hub. The zero value of a field is its default.
type Options struct {
	HistorySize     int           // messages kept per room (256)
	HistoryTTL      time.Duration // and for how long (5 min)
	HistoryMaxBytes int64         // estimated bytes of all that is kept (64 MiB)
	SessionTTL      time.Duration // how long a session outlives its member (5 min)
	MaxSessions     int           // sessions kept without a member; the oldest goes first (20,000)
	MaxSessionBytes int64         // and what these take, their names above all (32 MiB)
	MaxReplay       int           // messages replayed at one resume, the newest ones (1,000)
	Now             func() time.Time
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
	o.HistorySize = cmp.Or(max(o.HistorySize, 0), 256)
	o.HistoryTTL = cmp.Or(max(o.HistoryTTL, 0), 5*time.Minute)
	o.HistoryMaxBytes = cmp.Or(max(o.HistoryMaxBytes, 0), 64<<20)
	o.SessionTTL = cmp.Or(max(o.SessionTTL, 0), 5*time.Minute)
	o.MaxSessions = cmp.Or(max(o.MaxSessions, 0), 20_000)
	o.MaxSessionBytes = cmp.Or(max(o.MaxSessionBytes, 0), 32<<20)
	o.MaxReplay = cmp.Or(max(o.MaxReplay, 0), 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
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
