package verify

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// The transports.
const (
	webSocket   = "websocket"
	polling     = "polling"
	eventSource = "eventsource"
)

var transports = []string{webSocket, polling, eventSource}

// event is an event of either protocol.
type event struct {
	name, id string
	data     []byte // JSON; of Socket.IO the first argument
}

// listener is a client on one transport. Each of its connections has one goroutine, from open to
// close. It writes down the numbers of the run's notifications.
type listener struct {
	r         *run
	transport string
	token     string // connects with it; "": as the run says

	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	state
	got      []receipt  // of all connections
	sessions []*session // of polling
}

// receipt is a notification of the run that has arrived.
type receipt struct {
	n  int
	at time.Time
}

// state is that of the present connection, except cursor and opens.
type state struct {
	cursor    string // the last id
	opens     int    // connections that were accepted
	connected bool
	ended     bool
	err       error // of the end
	opened    time.Time
	heard     time.Time // when the last bytes came
	over      time.Time // when it ended
	ping      time.Duration
	encoding  string // Content-Encoding of a stream
	welcome   welcome
}

// welcome is what matters of the event `connected`.
type welcome struct {
	ClientID, UserID, Secret string
	Timestamp                time.Time
	Denied                   []string
}

func (r *run) listener(transport string) *listener {
	return &listener{r: r, transport: transport, changed: make(chan struct{})}
}

// open begins a connection, which resumes after the last id, and does not wait for it.
func (l *listener) open(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	done := make(chan struct{})
	l.done = done
	l.change(func() {
		l.state = state{cursor: l.cursor, opens: l.opens, opened: time.Now(), heard: time.Now()}
	})
	go func() {
		defer close(done)
		err := l.connect(ctx)
		l.change(func() { l.ended, l.err, l.over = true, err, time.Now() })
	}()
}

// close cuts the connection and waits until its goroutine has ended.
func (l *listener) close() {
	if l.cancel != nil {
		l.cancel()
		<-l.done
	}
}

// arrive waits until the connection is accepted. Like every client it tries again after an error,
// for which it leaves a server that is full some time.
func (l *listener) arrive(ctx context.Context) bool {
	for pause := time.Second; ; pause *= 2 {
		l.until(ctx, 3*l.r.patience(), l.settled)
		st := l.now()
		if st.connected || !st.ended || pause > 4*time.Second || ctx.Err() != nil {
			return st.connected
		}
		sleep(ctx, pause)
		l.close()
		l.open(ctx)
	}
}

// leave is close for good: it also ends the sessions of polling, which the server would keep until
// a ping has no answer.
func (l *listener) leave(ctx context.Context) {
	l.close()
	for _, s := range l.sessions {
		s.close(ctx)
	}
	l.sessions = nil
}

func (l *listener) connect(ctx context.Context) error {
	hello, err := l.r.credentials(ctx, l.token)
	if err != nil {
		return err
	}
	switch l.transport {
	case eventSource:
		return l.stream(ctx, hello)
	case polling:
		return l.poll(ctx, hello)
	}
	return l.socket(ctx, hello)
}

// change changes the state and wakes those who wait.
func (l *listener) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

// until waits for a condition, for at most d, and reports whether it holds. ok is called with the
// lock.
func (l *listener) until(ctx context.Context, d time.Duration, ok func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		l.mu.Lock()
		holds, changed := ok(), l.changed
		l.mu.Unlock()
		if holds {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// now returns the state.
func (l *listener) now() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *listener) settled() bool { return l.connected || l.ended }

// has returns when a number arrived first.
func (l *listener) has(n int) (at time.Time, ok bool) {
	for _, g := range l.got {
		if g.n == n {
			return g.at, true
		}
	}
	return at, false
}

// accepted notes that the server has let the client in.
func (l *listener) accepted() {
	l.change(func() {
		if !l.connected {
			l.connected = true
			l.opens++
		}
	})
}

// touch notes that bytes have arrived.
func (l *listener) touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = time.Now()
}

// take handles an event.
func (l *listener) take(ev event) error {
	l.change(func() {
		if ev.id != "" {
			l.cursor = ev.id
		}
		if n, ok := l.r.numberOf(ev.data); ok {
			l.got = append(l.got, receipt{n, time.Now()})
		}
	})
	switch ev.name {
	case "connected":
		var w welcome
		_ = json.Unmarshal(ev.data, &w) // a proxy does not change bodies; what is missing is empty
		l.change(func() { l.welcome = w })
		l.accepted()
	case "overloaded":
		return errBusy
	case "disconnected":
		return errEnded
	}
	return nil
}
