package socketio

import (
	"context"
	"errors"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// connect answers a CONNECT: it authenticates the client, attaches it to the Hub, asks the
// applications, and replies.
func (c *client) connect(p *packet) {
	if c.conn(p.namespace) != nil {
		c.end("CONNECT to a namespace that the client is in")
		return
	}
	if p.namespace != notify.RootNamespace && c.others() >= c.srv.opts.MaxNamespaces {
		c.refuse(p.namespace, errTooManyNamespaces)
		return
	}
	if p.excess != nil {
		c.refuse(p.namespace, p.excess)
		if p.excess == errLargeAuth && !c.trusted.Load() {
			c.end("too much input before CONNECT")
		}
		return
	}
	handshake := c.credentials()
	var (
		given    auth.Credentials
		identity auth.Identity
		data     any
		err      error
	)
	guard := c.srv.guardOf(p.namespace)
	if guard != nil {
		data, err = c.pass(guard, p)
	} else {
		given, identity, err = c.identify(handshake, p)
	}
	if err != nil {
		c.turnAway(p.namespace, err)
		return
	}
	apps := c.srv.appsOf(p.namespace)
	if guard != nil {
		apps = handlersApp
	}
	if apps == 0 || !validNamespace(p.namespace) {
		c.refuse(p.namespace, errNoNamespace)
		return
	}
	if peers := c.srv.opts.Peers; peers != nil && !peers.Admits(p.namespace) {
		c.refuse(p.namespace, errServerNamespaces)
		return
	}
	conn := &Conn{
		client: c, namespace: p.namespace, guarded: guard != nil, as: c.srv.quotedNames(given.As),
		target: string(p.auth["target"]) == "true" && !c.srv.opts.Plain &&
			c.srv.opts.Parser == ParserDefault, // the client of this project asks for it
	}
	conn.identity.Store(&identity)
	if data != nil {
		conn.data.Store(&connData{value: data})
	}
	if apps&^builtinApp != 0 {
		conn.handshake = newHandshake(c, p.auth)
	}
	if !conn.enter(identity, given, p) {
		return
	}
	contextOf(c.session).bound.accepted(identity, given, handshake)
	if !c.add(conn) {
		conn.abandon()
		c.admission.leave(identity)
		return
	}
	if err := conn.askApps(apps); err != nil {
		conn.finish(ReasonServerClosed)
		if !conn.Recovered() || c.session.Context().Err() == nil {
			c.srv.hub.ForgetSession(notify.PIDKey(conn.pid))
		} // else nobody refused the client: its session waits for the next connection, or has it already
		c.refuse(p.namespace, err)
	} else {
		conn.welcome()
	}
	if conn.isClosing() {
		c.closeAll(ReasonServerClosed)
	}
}

// replaces reports whether a client with this session and identity takes the place of one that is
// connected. moved says that this one is, or was, a client of another node, which now gives it up.
func (c *Conn) replaces(pid string, identity auth.Identity) (replaces, moved bool) {
	srv := c.client.srv
	if pid == "" || len(pid) > maxPID || !srv.opts.recovery() {
		return false, false
	}
	key := notify.PIDKey(pid)
	if session, ok := srv.hub.Session(key); ok {
		return session.Expires.IsZero() && session.UserID == identity.RoomUser(), false
	}
	ctx, cancel := context.WithTimeout(c.Context(), srv.hub.ResumeTimeout())
	defer cancel()
	_, moved = srv.hub.ResumeSession(ctx, key, func(s notify.Session) bool {
		return s.UserID == identity.RoomUser() && s.Namespace == c.namespace
	})
	return moved, moved
}

// enter counts the client and attaches it to the Hub, or refuses it. It counts first, because the
// Hub announces who attaches. A connection that this one resumes counts until attach has ended it, so
// a client that resumes may be counted after that.
func (c *Conn) enter(identity auth.Identity, given auth.Credentials, p *packet) bool {
	admission := c.client.admission
	err := admission.admit(identity, false)
	c.admitted = err == nil
	moved := false
	if err != nil {
		var replaces bool
		if replaces, moved = c.replaces(textOf(p.auth["pid"]), identity); !replaces {
			c.client.turnAway(c.namespace, err)
			return false
		}
	}
	if c.attach(given, p.auth) != nil {
		if c.admitted {
			admission.leave(identity)
		}
		c.client.end("another connection holds the session") // the client reconnects
		return false
	}
	if !c.admitted {
		if err := admission.admit(identity, moved); err != nil {
			c.abandon()
			c.client.turnAway(c.namespace, err)
			return false
		}
		c.admitted = true
	}
	return true
}

// turnAway refuses a CONNECT, or lets the client try again.
func (c *client) turnAway(namespace string, err error) {
	if !c.triesAgain(err) {
		c.refuse(namespace, err)
	}
}

// triesAgain closes the transport when the reason to refuse the first CONNECT passes: the connect hook
// is not available, or the user has too many connections of which a node was perhaps killed. It reports
// whether it did: socket.io-client gives up after a connect_error, and connects again after the end of a
// transport. A client that is in another namespace stays there.
func (c *client) triesAgain(err error) bool {
	var limited interface{ Passing() bool }
	var code, cause string
	switch {
	case c.srv.AuthMode() == auth.ModeHook && errors.Is(err, auth.ErrHookUnavailable):
		code, cause = auth.ErrHookUnavailable.Code, "the connect hook is not available"
	case errors.As(err, &limited) && limited.Passing():
		code, cause = edge.CodeTooManyConnections, "the user has too many connections to other nodes"
	default:
		return false
	}
	if len(c.all()) > 0 {
		return false
	}
	c.srv.opts.Metrics.Refused(code)
	c.end(cause)
	return true
}

// abandon removes a Conn that no application has seen. A session that it has resumed stays: the
// client knows it, and comes back for it when the connection ended before the answer.
func (c *Conn) abandon() {
	c.member.Detach()
	if c.pid != "" && !c.Recovered() {
		c.client.srv.hub.ForgetSession(notify.PIDKey(c.pid))
	}
}

// welcome sends the answer to CONNECT, then the event `connected`, then the replies that were
// queued meanwhile.
func (c *Conn) welcome() {
	recovered := c.Recovered()
	if recovered && c.member.Misses() {
		// While the applications ran, the Hub trimmed history that the client has not read. A new
		// pid tells the client that it did not recover; the gap follows.
		recovered = false
		c.renameSession()
	}
	data := struct {
		Sid string `json:"sid"`
		Pid string `json:"pid,omitempty"`
	}{c.ID(), c.session()}
	text, _, _ := encodePacket(kindConnect, c.namespace, nil, data) // two strings always encode
	replies := []reply{{frame: c.client.srv.newFrame(text), opens: true, now: true, conn: c, size: len(text)}}
	if c.namespace == notify.RootNamespace && !c.client.srv.opts.Plain {
		identity := c.Identity()
		event := c.eventReply("connected", connectedEvent{
			Type: "connected", ClientID: c.ID(), SocketID: c.ID(),
			UserID: identity.UserID, Username: identity.Username,
			Timestamp: notify.Timestamp(time.Now()), TotalConnections: c.client.srv.hub.Total(),
			Recovered: recovered,
		})
		// It precedes the replay, so it ends with the offset that the client sent.
		event.now, event.after = true, c.member.Cursor()
		replies = append(replies, event)
	}
	// Under one lock: no packet of another goroutine may precede the answer to CONNECT.
	head := c.client.srv.hub.Head()
	c.client.mu.Lock()
	c.state = connected
	c.client.trusted.Store(true)
	c.client.space.Broadcast() // the reader may wait for an accepted CONNECT
	fits := c.client.queue(head, append(replies, c.takeEarly()...))
	c.client.mu.Unlock()
	c.client.wake(fits)
}

func (c *Conn) renameSession() {
	c.client.mu.Lock()
	old := c.pid
	c.pid = newID()
	pid := c.pid
	c.client.mu.Unlock()
	c.member.RenameSession(notify.PIDKey(old), notify.PIDKey(pid))
}
