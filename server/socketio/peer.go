package socketio

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/engineio"
)

// peer is one client in one namespace, from its CONNECT to its end: the
// library's Socket and the Hub's member side by side.
type peer struct {
	link        *link
	namespace   string
	identity    auth.Identity
	renewed     renewal // what auth:refresh changed
	credentials auth.Credentials
	clientID    string   // the id that is resumed; else the library's
	pid         string   // the secret name of the session
	recovered   bool     // nothing was missed
	created     func()   // its namespace exists: another may be made
	channels    []string // hub rooms of the session that is resumed, as far as the client may join them
	granted     []string // those that the server put it into
	data        any      // of the session that is resumed
	resume      *notify.Cursor
	as          [][]byte // quoted names for notifications; nil stands for their own

	welcomed, open bool      // the CONNECT reply is queued, is on the wire; the link's lock guards both
	wire           notify.ID // the last message on the wire; the writer's own
	warned         bool      // auth:expiring was sent; the sweep's own
	unanswered     []uint64  // acknowledgements that the client owes; the link's lock guards it

	mu        sync.Mutex
	socket    *socket.Socket
	member    *notify.Member
	entered   bool   // the library decides about it now
	abandoned bool   // its client went before that
	unguard   func() // releases the guards while the library joins it; nil otherwise

	settled chan struct{} // the library has joined or refused
	gone    chan struct{} // the library has let go
	once    struct{ settle, forget sync.Once }
}

func newPeer(l *link, namespace string, identity auth.Identity, c auth.Credentials) *peer {
	p := &peer{
		link: l, namespace: namespace, identity: identity, credentials: c,
		pid:     rand.Text(),
		settled: make(chan struct{}), gone: make(chan struct{}),
	}
	names := c.As
	if len(names) == 0 {
		names = l.srv.opts.As
	}
	p.as = quotedNames(names)
	return p
}

// quotedNames prepares `as`: nil when notifications keep their own names only.
func quotedNames(names []string) [][]byte {
	var quoted [][]byte
	renames := false
	for _, name := range names {
		if name == "type" {
			quoted = append(quoted, nil)
			continue
		}
		quoted, renames = append(quoted, quote(name)), true
	}
	if !renames {
		return nil
	}
	return quoted
}

func (p *peer) sock() *socket.Socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.socket
}

// enter is asked before the library decides about the client; it is refused once
// the client has gone, so that the library never cleans up after its successor.
func (p *peer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = !p.abandoned
	return p.entered
}

// abandon ends a peer whose client went while a middleware was asked. It reports
// false when the library has decided, or is about to.
func (p *peer) abandon() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abandoned = !p.entered
	return p.abandoned
}

// releaseGuards keeps the function that releases the guards, which settle calls.
func (p *peer) releaseGuards(release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unguard = release
}

// welcome is the CONNECT reply, and `connected` right behind it.
func (p *peer) welcome() []reply {
	sid := p.sock().Id()
	data := struct {
		Sid socket.SocketId `json:"sid"`
		Pid string          `json:"pid,omitempty"`
	}{Sid: sid}
	if p.link.srv.opts.recovery() {
		data.Pid = p.pid
	}
	text, _, _ := encodePacket(kindConnect, p.namespace, nil, data) // two strings always encode
	replies := []reply{{frame: newFrame(text), opens: true, now: true, peer: p, size: len(text)}}
	if p.namespace == notify.RootNamespace && !p.link.srv.opts.Plain {
		connected := p.eventReply("connected", connectedEvent{
			Type: "connected", ClientID: string(sid), SocketID: string(sid),
			UserID: p.identity.UserID, Username: p.identity.Username,
			Timestamp: notify.Timestamp(time.Now()), TotalConnections: p.link.srv.hub.Total(), Recovered: p.recovered,
		})
		// It comes before everything that is replayed, so it ends with the place
		// that the client came with.
		connected.now, connected.after = true, p.hubMember().Cursor()
		replies = append(replies, connected)
	}
	return replies
}

// session is what the library restores for a client that missed nothing: its id
// and its data. The rooms and the missed notifications are the Hub's, so it is given none.
func (p *peer) session() *socket.Session {
	return &socket.Session{SessionToPersist: &socket.SessionToPersist{
		Sid: socket.SocketId(p.clientID), Pid: socket.PrivateSessionId(p.pid),
		Rooms: types.NewSet[socket.Room](), Data: p.data,
	}}
}

// ordered ends the connection because the server or the API says so.
func (p *peer) ordered(reason string) {
	p.link.cause.CompareAndSwap(nil, &reason)
	p.link.srv.log.Debug("disconnect ordered", zap.String("client", p.clientID), zap.String("namespace", p.namespace),
		zap.String("reason", edge.LogValue(reason)))
	p.void()
	p.link.srv.workers.Go(func() {
		defer p.link.srv.recovered("disconnect handler", nil)
		if sock := p.sock(); sock != nil && sock.Connected() {
			p.guard()
			sock.Disconnect(true)
			return
		}
		p.link.end(reason) // it is still being let in
	})
}

// settle ends the wait for the library to join or refuse.
func (p *peer) settle() {
	p.mu.Lock()
	unguard := p.unguard
	p.mu.Unlock()
	if unguard != nil {
		unguard()
	}
	p.once.settle.Do(func() {
		p.link.socket.forgetRequest()
		close(p.settled)
	})
}

// awaitJoin waits until the library has decided on a CONNECT. A middleware that
// never calls next keeps only its own client waiting, and not for ever.
func (p *peer) awaitJoin() {
	timeout := time.NewTimer(p.link.srv.opts.ConnectTimeout)
	defer timeout.Stop()
	select {
	case <-p.settled:
	case <-p.link.session.Context().Done():
	case <-timeout.C:
		p.link.end("a middleware did not answer")
	}
}

// detach takes the member out of the Hub; its session stays for a while.
func (p *peer) detach() {
	if m := p.hubMember(); m != nil {
		m.Detach()
	}
}

// void makes the session unusable.
func (p *peer) void() {
	if m := p.hubMember(); m != nil {
		m.Void()
	}
}

func (p *peer) hubMember() *notify.Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.member
}

// forget ends the peer on every side, when the library has let go of it.
func (p *peer) forget() {
	p.once.forget.Do(func() {
		p.detach()
		p.link.admission.leave(p.identity)
		p.link.removePeer(p)
		p.link.srv.peers.remove(p)
		p.settle()
		close(p.gone)
	})
}

// leave ends the peer of a closed link. A Socket that joined while its transport
// was closing has missed the close, and is told now.
func (p *peer) leave() {
	sock := p.sock()
	switch {
	case sock == nil:
		p.forget()
	case p.abandon():
		sock.Nsp().Remove(sock)
		p.forget()
	case sock.Connected():
		p.guard()
		sock.Disconnect(false)
		p.forget()
	case isDone(p.settled):
		p.forget()
	}
	// Else the library is about to join or to clean up; joined or DelAll will tell.
}

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// guard keeps a panic of a "disconnect" handler inside this client: the library
// runs them on goroutines of its own.
func (p *peer) guard() {
	if sock := p.sock(); sock != nil {
		p.link.srv.guardListeners(sock, "disconnecting", "disconnect")
	}
}

func newFrame(text []byte) *engineio.Frame { return engineio.NewFrame(text) }

// LastActive is when the last byte came from the client, answers to pings
// included.
func (p *peer) LastActive() time.Time { return p.link.session.LastReceived() }
