package notify

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/notify/internal/share"
)

// Hub delivers every message of a log to the members of its rooms: live to members that keep up,
// and from its index to members that lag or resume. Any goroutine may call its methods. The Hub
// holds its lock during no call of a transport, the log or a hook.
type Hub struct {
	log     Log
	archive Archive        // log, if it is one; else nil
	shared  SharedRetained // log, if it is one; else nil
	cluster *Cluster       // nil: sessions stay in this process, or in Options.Sessions
	ready   <-chan struct{}
	o       Options
	stop    func() // ends the sweeper, and waits until it has ended

	attached, detached func(*Member) // hooks; set before serving
	undelivered        func(Undelivered)
	wakes              sync.Pool // *wakeList
	closed, draining   atomic.Bool
	published          atomic.Uint64 // messages of this node, see Stats
	shed               shed

	step    int    // fanOutStep; tests set it
	between func() // of tests: called when a publish has released the lock; nil: nothing

	publishing sync.Mutex // held for a whole publish, also while it releases mu; taken before mu

	mu sync.Mutex // guards everything below and every Member
	// head is the last message in the index: the position of all members with nothing pending.
	head     ID
	place    place // head again, to be read without the lock
	index    index
	forks    forks
	members  map[memberKey]*Member
	users    map[string]*user
	online   int            // users with a member in "/"
	lagging  int            // members that lag
	carried  map[string]int // members in "/" for each transport
	ids      map[string]int // client ids of members and kept sessions
	sessions sessions
	retained retained
	handouts map[*Member]*handout // of members that have joined a room with retained messages
	handed   map[*session]uint64  // handout.given of the members of kept sessions
	waking   []*Member            // to wake when the lock is released
	unsaved  unsaved
	ending   []string             // keys of ended sessions that are being removed from the store
	fetches  map[string]*fetching // by the key of a session; nil without Options.Cluster
	channels int                  // channels with a member
	stamp    uint64               // number of the last publish or match
	fan      fan
	targets  []*room // scratch memory of a publish
	runs     []run   // scratch memory of a replay

	roomChanged func(RoomChange)
	changes     []RoomChange // noted since the lock was taken
	late        lateChanges

	counters counters
}

type memberKey struct{ namespace, clientID string }

// user is the state that the members of one user share.
type user struct {
	refs   int    // members of all namespaces
	online int    // members in "/"
	stamp  uint64 // of the last publish that counted this user
}

const (
	sweepInterval = time.Second
	sweepStep     = 1024 // entries that Sweep trims at a time under the lock
	publishStep   = 32   // entries that a publish trims
)

// New returns a Hub that follows log. The Hub does not close the log. It runs a goroutine that sweeps
// every second until Close, with Options.Sessions another one that saves them, and with
// Options.Cluster two.
func New(log Log, o Options) *Hub {
	o = o.valid()
	h := &Hub{
		log: log, o: o, step: fanOutStep,
		index: index{size: o.HistorySize, minAge: o.HistoryMinAge, ttl: o.HistoryTTL,
			maxBytes: o.HistoryMaxBytes,
			shares:   share.Shares[*room]{Limit: o.HistoryMaxBytes / historyShare}},
		members:  make(map[memberKey]*Member),
		users:    make(map[string]*user),
		ids:      make(map[string]int),
		carried:  make(map[string]int),
		sessions: newSessions(o.MaxSessions, o.MaxSessionBytes),
		retained: retained{size: o.RetainedSize, maxBytes: o.RetainedMaxBytes,
			rooms: make(map[string]*retainedRoom)},
		handouts: make(map[*Member]*handout),
		handed:   make(map[*session]uint64),
	}
	h.wakes.New = func() any { return newWakeList(&h.wakes) }
	h.archive, _ = log.(Archive)
	h.shared, _ = log.(SharedRetained)
	h.retained.shared = h.shared != nil
	h.ready = log.Ready()
	h.loadRetained(log.Head())
	log.Follow(h.follow)
	if o.Relay != nil {
		o.Relay.Receive(h.relayed)
	}
	sweeps := every(sweepInterval, func() { h.Sweep(o.Now()) })
	h.stop = sweeps
	keeps := func() {}
	switch {
	case o.Cluster != nil && o.SessionTTL > 0:
		keeps = h.share(o.Cluster)
	case o.Sessions != nil:
		h.restore()
	default:
		return h
	}
	saves := every(saveInterval, h.saveSessions)
	h.stop = func() {
		sweeps()
		keeps()
		saves()
		h.saveSessions()
	}
	return h
}

// Drain makes every later publish fail with ErrDraining, volatile ones too. Call it when the process
// is about to end, before the transports close their members: the log in memory ends with the
// process, so a client that has left already would never get the notification, and its publisher
// would not know. What was accepted before is delivered.
func (h *Hub) Drain() { h.draining.Store(true) }

// Accepts returns an error when the Hub accepts no publish.
func (h *Hub) Accepts() error {
	switch {
	case h.closed.Load():
		return fmt.Errorf("%w: %w", ErrUnavailable, ErrClosed)
	case h.draining.Load():
		return ErrDraining
	}
	if err := h.Ready(); err != nil {
		return err
	}
	return h.Overloaded()
}

// Close makes Attach and Publish fail, ends the goroutines and saves the sessions. Transports detach
// their members before, and the owner of the log closes it after that.
func (h *Hub) Close() {
	h.closed.Store(true)
	h.stop()
	h.awaitLate()
}

// OnAttach adds a function that the Hub calls after it has attached a member. Call OnAttach before
// serving.
func (h *Hub) OnAttach(f func(*Member)) { h.attached = then(h.attached, f) }

// OnDetach adds a function that the Hub calls after it has detached a member. Call OnDetach before
// serving.
func (h *Hub) OnDetach(f func(*Member)) { h.detached = then(h.detached, f) }

func then[T any](first, second func(T)) func(T) {
	if first == nil {
		return second
	}
	return func(v T) {
		first(v)
		second(v)
	}
}

// Head returns the id of the last message that this node delivered. It takes no lock.
func (h *Hub) Head() ID { return h.place.load() }

// moveHead is called with the lock held.
func (h *Hub) moveHead(to ID) {
	h.head = to
	h.place.store(to)
}

// Sweep removes messages and sessions that have expired at now. The Hub calls it every second.
func (h *Hub) Sweep(now time.Time) {
	for more := true; more; {
		h.mu.Lock()
		more = h.index.trim(now, sweepStep)
		if !more {
			h.retained.expire(now)
			h.expireSessions(now)
		}
		h.mu.Unlock()
	}
}

// every calls f once in each interval until stop, which waits for the last call.
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
