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
	// maxUnhandled is how many packets of one client can wait for handlers. The reader blocks at this number.
	maxUnhandled = 64
	// maxUnhandledAsked replaces maxUnhandled while the server waits for an acknowledgement of the client.
	maxUnhandledAsked = 1024
	// maxRefusals is how many refused CONNECTs close the connection: such a client guesses.
	maxRefusals = 3
	// maxNamespaces is how many namespaces one client can be in.
	maxNamespaces = 64
)

// client is one Engine.IO session and its Conns, one for each namespace. One goroutine, the worker, handles its packets one
// after the other. The worker runs only while there are tasks.
type client struct {
	srv       *Server
	session   *engineio.Session
	admission *admission

	// Only the reader uses these.
	assembling assembly
	rates      *rates // nil until the first event

	mu       sync.Mutex
	space    sync.Cond // signalled when inbox or replies shrink, when full changes, and when the client closes
	inbox    []task
	unread   int // bytes in inbox
	working  bool
	closed   bool
	reason   string
	conns    []*Conn // from CONNECT to disconnect
	refusals int     // refused CONNECTs
	lastLeft string  // session of the namespace that the client left last
	replies  outbox
	nextBeat time.Time
	alone    time.Time // since then conns is empty

	transport string
	cause     atomic.Pointer[string] // why the server closes it, for the log; nil: the reason is enough
	waiting   atomic.Int32           // number of replies: the writer sees 0 without the lock

	// Only the writer uses these, see Pull.
	turn    int
	pending *pulled
}

// task is a packet to handle or a function to run in the order of the packets.
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
	c.alone = time.Now()
	c.nextBeat = c.alone.Add(srv.opts.Heartbeat)
	return c
}

// addressContext is the context of a session. It has the client's address, for which the handshake
// counts, and nothing else of the request.
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

// Message takes one message from the transport. It blocks while too many packets wait for handlers, which is the
// back-pressure against a flood. Acknowledgements do not wait in the inbox, because a handler may wait for one.
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

// noteLeaving handles the arrival of a DISCONNECT before the worker does: the client sends no acknowledgement after it.
func (c *client) noteLeaving(namespace string) {
	if conn := c.conn(namespace); conn != nil {
		c.mu.Lock()
		conn.leaving = true
		c.mu.Unlock()
		conn.abandonAsks()
	}
}

// full reports whether the inbox has reached its limit in packets or bytes. The limit in packets is higher while the server
// waits for an acknowledgement: the client may have sent many events before it, and these may wait for the handler that
// asks.
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
		// The session can end while the reader waits here.
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

// later adds f to the worker's tasks.
func (c *client) later(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbox = append(c.inbox, task{run: f})
	c.startWork()
}

// startWork starts the worker if it is not running. The caller holds the lock.
func (c *client) startWork() {
	if !c.working {
		c.working = true
		c.srv.workers.Go(c.work)
	}
}

// work runs tasks until none is left. The end of the session comes after the packets that arrived before it.
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

// nextTask removes and returns the next task. It ends the worker if there is none.
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

// do runs f. A panic is logged and counted, and closes this connection.
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

// Close handles the end of the transport. It detaches the Hub's members at once, so that the Hub counts none that cannot be
// reached. The worker calls the applications after the packets that arrived before.
func (c *client) Close(reason string) {
	c.noteTransport() // an upgrade since the last sweep
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

// end closes the transport. The cause is for the log; handlers get ReasonForcedClose.
func (c *client) end(cause string) { c.endWith(cause, ReasonForcedClose) }

func (c *client) endWith(cause, reason string) {
	c.cause.CompareAndSwap(nil, &cause)
	c.session.Close(reason)
}

// noteTransport updates the members after an upgrade.
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

// conn returns the Conn in a namespace, or nil.
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

// add lists a Conn whose member is attached. It returns false if the transport is closed: nothing would end the Conn.
func (c *client) add(conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns, conn.listed = append(c.conns, conn), true
	if t := c.session.Transport(); t != conn.member.Transport() { // an upgrade between attach and here
		conn.member.SetTransport(t)
	}
	return true
}

func (c *client) remove(conn *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = slices.DeleteFunc(c.conns, func(other *Conn) bool { return other == conn })
	if len(c.conns) == 0 {
		c.alone = time.Now()
	}
}

// credentials returns the credentials of the handshake.
func (c *client) credentials() auth.Credentials { return auth.FromRequest(c.session.Request()) }

// clients is the set of open clients.
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
