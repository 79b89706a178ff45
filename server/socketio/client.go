package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/engineio"
)

const (
	// maxGuesses is how many CONNECTs with invalid credentials close the connection: such a client
	// may guess tokens.
	maxGuesses = 3
)

// client is one Engine.IO session and its Conns, one for each namespace. One goroutine, the worker,
// handles its packets one after the other. The worker runs only while there are tasks.
type client struct {
	srv       *Server
	session   *engineio.Session
	admission *admission

	// Only the reader uses these.
	assembling assembly
	rates      *rates // nil until the first event
	early      int    // bytes that the client has sent before its first CONNECT was accepted

	mu       sync.Mutex
	space    sync.Cond // signals that inbox, replies, full, working or trusted change, or the end
	inbox    []task
	unread   int // bytes in inbox
	calls    int // functions in inbox, other than those of asks
	answers  int // functions of asks in inbox
	working  bool
	closed   bool
	reason   string
	conns    []*Conn // from CONNECT to disconnect
	guesses  int     // CONNECTs with invalid credentials
	lastLeft string  // session of the namespace that the client left last
	replies  outbox
	nextBeat time.Time
	alone    time.Time // since then conns is empty

	transport string
	cause     atomic.Pointer[string] // why the server closes it, for the log; nil: see reason
	trusted   atomic.Bool            // a CONNECT of the client was accepted
	waiting   atomic.Int32           // number of replies: the writer sees 0 without the lock

	// Only the writer uses these, see Pull.
	turn    int
	pending *pulled
}

// newClient returns an error when the limits refuse the connection.
func newClient(srv *Server, session *engineio.Session) (*client, error) {
	from := contextOf(session)
	admission, err := newAdmission(srv.opts.Limits, from.ip,
		func() { session.Abort(ReasonForcedClose) })
	if err != nil {
		return nil, err
	}
	c := &client{srv: srv, session: session, admission: admission}
	c.space.L = &c.mu
	c.alone = time.Now()
	c.nextBeat = c.alone.Add(srv.opts.Heartbeat)
	from.bound.setClient(c)
	return c, nil
}

// Close handles the end of the transport. It detaches the Hub's members at once, so that the Hub
// counts none that cannot be reached. The worker calls the applications after the packets that
// arrived before.
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

// Finish detaches the members of a client that is closed, before its last packets are written: the
// Hub counts the client for no notification that it would not get. It returns false while a member
// lags. A member without an answer to its CONNECT is detached in any case, because nothing pulls
// it.
func (c *client) Finish() (done bool) {
	done = true
	for _, conn := range c.all() {
		if conn.isOpen() {
			conn.noteEnding()
			done = conn.member.DetachLive() && done
		} else {
			conn.detach()
		}
	}
	return done
}

// end closes the transport. The cause is for the log; handlers get ReasonForcedClose.
func (c *client) end(cause string) { c.endWith(cause, ReasonForcedClose) }

// abort is end for a client that has another connection, or waits for nothing: nothing is written.
func (c *client) abort(cause string) {
	c.cause.CompareAndSwap(nil, &cause)
	c.session.Abort(ReasonForcedClose)
}

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

// add lists a Conn whose member is attached. It returns false if the transport is closed: nothing
// would end the Conn.
func (c *client) add(conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.conns = append(c.conns, conn)
	if t := c.session.Transport(); t != conn.member.Transport() { // an upgrade since attach
		conn.member.SetTransport(t)
	}
	return true
}

// others returns the number of Conns outside the root namespace.
func (c *client) others() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		if conn.namespace != notify.RootNamespace {
			n++
		}
	}
	return n
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
