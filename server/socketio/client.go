package socketio

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/engineio"
)

const (
	// maxUnhandled is how many packets of one client may wait for their handlers; its reader waits at more.
	maxUnhandled = 64
	// maxUnhandledAsked is the same while the client owes an acknowledgement.
	maxUnhandledAsked = 1024
	// maxRefusals closes a client whose CONNECTs keep being refused: it guesses.
	maxRefusals = 3
	// maxNamespaces is how many namespaces one client may be in.
	maxNamespaces = 64
)

// client is one Engine.IO session with its Conns, one for each namespace that it is in. Its packets are handled one
// after the other by one goroutine, the worker, which runs only while there are some.
type client struct {
	srv       *Server
	session   *engineio.Session
	admission *admission

	// The reader's own.
	assembling assembly
	rates      *rates // nil until the first event

	mu       sync.Mutex
	space    sync.Cond // signalled when inbox or replies shrink, or the client closes
	inbox    []task
	unread   int // bytes in inbox
	working  bool
	closed   bool
	reason   string
	conns    []*Conn // from CONNECT to disconnect; few, so a slice
	refusals int     // CONNECTs that were refused
	lastLeft string  // the session of the namespace that the client left last
	replies  outbox
	nextBeat time.Time
	begin    time.Time
	joined   bool // it has been in a namespace

	transport string
	cause     atomic.Pointer[string] // why we close it, for the log; nil: the engine's reason says all
	waiting   atomic.Int32           // replies; so that the writer need not take the lock to see none

	// The writer's own, see Pull.
	turn    int
	pending *pulled
}

// task is what the worker does next: handle a packet, or run a function that must keep its place among them.
type task struct {
	packet *packet
	run    func()
}

// newClient returns nil when the limits refuse the connection.
func newClient(srv *Server, session *engineio.Session) *client {
	ip, _ := session.Context().Value(addressKey{}).(netip.Addr)
	admission := newAdmission(srv.opts.Limits, ip)
	if admission == nil {
		return nil
	}
	c := &client{srv: srv, session: session, admission: admission}
	c.space.L = &c.mu
	c.begin = time.Now()
	c.nextBeat = c.begin.Add(srv.opts.Heartbeat)
	return c
}

// addressContext is the context of a session: it has the address that its handshake counts for, and nothing else of the
// request.
type addressContext struct {
	context.Context
	ip netip.Addr
}

func withAddress(r *http.Request) context.Context {
	return addressContext{context.Background(), edge.ClientIP(r)}
}

type addressKey struct{}

func (c addressContext) Value(key any) any {
	if key == (addressKey{}) {
		return c.ip
	}
	return c.Context.Value(key)
}

// Message takes one message of the transport. It blocks while the client's packets wait for their handlers, which is
// the back-pressure that a flood meets. Acknowledgements pass by: a handler may wait for one.
func (c *client) Message(data []byte, binary bool) {
	p, err := c.assembling.add(data, binary, c.srv.opts.MaxPayload)
	if err != nil {
		c.end("malformed packet: " + err.Error())
		return
	}
	if p == nil {
		return
	}
	c.noteTransport()
	if p.isAck() {
		c.acknowledge(p)
		return
	}
	if !c.allow(p) {
		return
	}
	if p.kind == kindDisconnect {
		c.noteLeaving(p.namespace)
	}
	p.size = len(data)
	for _, part := range p.parts {
		p.size += len(part)
	}
	c.enqueue(p)
}

// noteLeaving takes note of a DISCONNECT that waits for the worker: the client acknowledges nothing behind it.
func (c *client) noteLeaving(namespace string) {
	if conn := c.conn(namespace); conn != nil {
		c.mu.Lock()
		conn.leaving = true
		c.mu.Unlock()
		conn.abandonAsks()
	}
}

// full reports whether the packets that wait for handlers reach the bound in number or in bytes. While the client is
// asked, the number is larger: its acknowledgement may come behind many events, and the handler that they wait for may be
// the one that asks.
func (c *client) full() bool {
	most := maxUnhandled
	for _, conn := range c.conns {
		if len(conn.asks) > 0 {
			most = maxUnhandledAsked
		}
	}
	return len(c.inbox) >= most || c.unread > c.srv.opts.MaxPayload
}

func (c *client) enqueue(p *packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full() {
		// The session may end while the reader waits here.
		stop := context.AfterFunc(c.session.Context(), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.space.Broadcast()
		})
		defer stop()
		for c.full() && c.session.Context().Err() == nil {
			c.space.Wait()
		}
	}
	if c.closed || c.full() {
		return
	}
	c.inbox = append(c.inbox, task{packet: p})
	c.unread += p.size
	c.startWork()
}

// later runs f in the worker, behind what waits there.
func (c *client) later(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbox = append(c.inbox, task{run: f})
	c.startWork()
}

// startWork runs the worker unless it runs already; the caller holds the lock.
func (c *client) startWork() {
	if !c.working {
		c.working = true
		c.srv.workers.Go(c.work)
	}
}

// work does tasks until none is left. The close of the session comes after the packets that came before it.
func (c *client) work() {
	for {
		t, more := c.nextTask()
		switch {
		case !more:
			return
		case t.packet != nil:
			c.handle(t.packet)
		default:
			c.do(t.run)
		}
	}
}

// nextTask takes the next task, and ends the worker when there is none.
func (c *client) nextTask() (t task, more bool) {
	c.mu.Lock()
	for c.replies.bytes > maxOwnBytes && !c.closed {
		c.space.Wait()
	}
	if len(c.inbox) > 0 {
		t = c.inbox[0]
		c.inbox[0] = task{}
		c.inbox = c.inbox[1:]
		if t.packet != nil {
			c.unread -= t.packet.size
		}
		c.space.Broadcast()
		c.mu.Unlock()
		return t, true
	}
	c.inbox = nil // an idle client keeps no array
	if !c.closed || len(c.conns) == 0 {
		c.working = false
		c.mu.Unlock()
		return task{}, false
	}
	conns, reason := slices.Clone(c.conns), c.reason
	c.mu.Unlock()
	return task{run: func() {
		for _, conn := range conns {
			conn.finish(reason)
		}
	}}, true
}

// do keeps a panic inside this connection: it is logged and counted, and the connection closed.
func (c *client) do(f func()) {
	defer c.srv.recovered("handler", func() { c.end("handler panic") })
	f()
}

func (c *client) handle(p *packet) {
	c.do(func() {
		switch p.kind {
		case kindConnect:
			c.connect(p)
		case kindDisconnect:
			c.leave(p)
		default:
			c.dispatch(p)
		}
	})
}

// Close tells that the transport is gone. The Hub's members go at once, so that none is counted that cannot be
// reached; the applications are told when the packets that came before are handled.
func (c *client) Close(reason string) {
	c.noteTransport() // an upgrade of this last second
	c.mu.Lock()
	c.closed, c.reason = true, reason
	conns := slices.Clone(c.conns)
	c.startWork()
	c.space.Broadcast()
	c.mu.Unlock()
	c.logClose(reason, conns)
	for _, conn := range conns {
		conn.abandonAsks()
		conn.detach()
	}
	c.admission.release()
	c.srv.clients.remove(c)
}

// end closes the transport for a reason that Socket.IO has no word for. The log tells it; handlers see "forced close".
func (c *client) end(cause string) { c.endWith(cause, ReasonForcedClose) }

func (c *client) endWith(cause, reason string) {
	c.cause.CompareAndSwap(nil, &cause)
	c.session.Close(reason)
}

// noteTransport follows an upgrade.
func (c *client) noteTransport() {
	to := c.session.Transport()
	c.mu.Lock()
	from, conns := c.transport, c.conns
	if from == to {
		c.mu.Unlock()
		return
	}
	c.transport = to
	for _, conn := range conns {
		conn.member.SetTransport(to)
	}
	conns = slices.Clone(conns)
	c.mu.Unlock()
	if from != "" {
		c.logUpgrade(from, to, conns)
	}
}

// conn is the client in a namespace, or nil.
func (c *client) conn(namespace string) *Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		if conn.namespace == namespace {
			return conn
		}
	}
	return nil
}

func (c *client) all() []*Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.conns)
}

// add lists a Conn whose member is attached. It reports false when the transport is gone: nothing would end the Conn.
func (c *client) add(conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns, c.joined, conn.listed = append(c.conns, conn), true, true
	if t := c.session.Transport(); t != conn.member.Transport() { // an upgrade between attach and here
		conn.member.SetTransport(t)
	}
	return true
}

func (c *client) remove(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = slices.DeleteFunc(c.conns, func(other *Conn) bool { return other == conn })
}

// credentials are those of the handshake.
func (c *client) credentials() auth.Credentials { return auth.FromRequest(c.session.Request()) }

// clients are the open ones.
type clients struct {
	mu  sync.Mutex
	set map[*client]struct{}
}

func (s *clients) add(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[*client]struct{})
	}
	s.set[c] = struct{}{}
}

func (s *clients) remove(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, c)
}

func (s *clients) all() []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*client, 0, len(s.set))
	for c := range s.set {
		all = append(all, c)
	}
	return all
}
