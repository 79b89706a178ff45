package socketio

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/engineio"
)

// Why a session is closed, in the words of the engine.
const (
	reasonShutdown  = engineio.ReasonShutdown
	reasonParse     = engineio.ReasonParseError
	reasonForced    = engineio.ReasonForcedClose
	reasonTransport = engineio.ReasonTransportError
)

// maxUnhandled is how many packets of one client may wait for their handlers;
// its reader waits at more.
const maxUnhandled = 64

const (
	// maxRefusals closes a client whose CONNECTs keep being refused: it guesses.
	maxRefusals = 3
	// maxPeers is how many namespaces one client may be in.
	maxPeers = 64
)

// link joins one Engine.IO session to the library's Client on one side and to
// the Hub on the other. Packets are handled one after the other by one goroutine,
// which runs only while there are some: the library's own dispatch starts a
// goroutine per packet and so loses their order.
type link struct {
	srv         *Server
	session     *engineio.Session
	socket      *engineSocket
	credentials auth.Credentials
	admission   *admission

	assembling assembly // the reader's own
	events     *rate.Limiter
	connects   *rate.Limiter // of namespaces joined and left
	abuse      abuse

	mu       sync.Mutex
	space    *sync.Cond // signalled when inbox or replies shrink, or the link closes
	inbox    []*packet
	unread   int // bytes in inbox
	working  bool
	closed   bool
	reason   string
	closing  bool    // the library has closed it: nothing more is to be written
	peers    []*peer // one in each namespace, from CONNECT to disconnect; few, so a slice
	refusals int     // CONNECTs that were refused
	lastLeft string  // the session of the namespace that the client left last
	replies  outbox
	nextBeat time.Time

	transport string
	cause     atomic.Pointer[string] // why we close it, for the log; nil: the engine's reason says all
	waiting   atomic.Int32           // replies; so that the writer need not take the lock to see none

	// The writer's own, see Pull.
	turn    int
	pending *pulled
}

func newLink(srv *Server, session *engineio.Session) *link {
	l := &link{
		srv: srv, session: session,
		credentials: auth.FromRequest(session.Request()),
	}
	l.space = sync.NewCond(&l.mu)
	l.socket = newEngineSocket(l)
	l.admission = newAdmission(srv, session)
	l.nextBeat = time.Now().Add(srv.opts.Heartbeat)
	return l
}

// Message takes one message of the transport; it blocks while the client's
// packets wait for their handlers, which is the back-pressure a flood meets.
func (l *link) Message(data []byte, binary bool) {
	p, err := l.assembling.add(data, binary, l.srv.opts.MaxPayload)
	if err != nil {
		l.srv.log.Debug("client closed for a malformed packet", zap.Error(err))
		l.session.Close(reasonParse)
		return
	}
	if p == nil || !p.isAck() && !l.allow(p) {
		return
	}
	l.noteTransport()
	p.size = len(data)
	for _, part := range p.parts {
		p.size += len(part)
	}
	l.enqueue(p)
}

// full tells whether the client's packets fill what may wait for handlers: a
// number of packets, and the bytes of a few large ones.
func (l *link) full() bool {
	return len(l.inbox) >= maxUnhandled || l.unread > l.srv.opts.MaxPayload
}

// noteTransport follows an upgrade.
func (l *link) noteTransport() {
	to := l.session.Transport()
	l.mu.Lock()
	from, peers := l.transport, l.peers
	if from == to {
		l.mu.Unlock()
		return
	}
	l.transport = to
	for _, p := range peers {
		if m := p.hubMember(); m != nil {
			m.SetTransport(to)
		}
	}
	peers = slices.Clone(peers)
	l.mu.Unlock()
	if from != "" {
		l.logUpgrade(from, to, peers)
	}
}

func (l *link) enqueue(p *packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full() {
		// The session may end while the reader waits here.
		stop := context.AfterFunc(l.session.Context(), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.space.Broadcast()
		})
		defer stop()
		for l.full() && l.session.Context().Err() == nil {
			l.space.Wait()
		}
	}
	if l.closed || l.full() {
		return
	}
	l.inbox = append(l.inbox, p)
	l.unread += p.size
	l.startWork()
}

// startWork runs the worker unless it runs already; the caller holds the lock.
func (l *link) startWork() {
	if !l.working {
		l.working = true
		l.srv.workers.Go(l.work)
	}
}

// work handles packets until none is left. The close of the session comes after
// the packets that came before it.
func (l *link) work() {
	for {
		l.mu.Lock()
		for l.replies.bytes > maxOwnBytes && !l.closed {
			l.space.Wait()
		}
		if len(l.inbox) == 0 {
			l.inbox = nil // an idle link keeps no array
			closed := l.closed
			if !closed {
				l.working = false
			}
			l.mu.Unlock()
			if closed {
				l.cleanUp()
			}
			return
		}
		p := l.inbox[0]
		l.inbox[0] = nil
		l.inbox = l.inbox[1:]
		l.unread -= p.size
		l.space.Broadcast()
		l.mu.Unlock()
		l.handle(p)
	}
}

// handle keeps a panic of a handler inside this connection: it is logged and
// counted, and the connection closed.
func (l *link) handle(p *packet) {
	defer l.srv.recovered("handler", func() { l.session.Close("handler panic") })
	switch {
	case p.kind == kindConnect:
		l.connect(p)
	case p.kind == kindDisconnect:
		l.disconnect(p)
	case p.isAck():
		l.acknowledge(p)
	default:
		l.dispatch(p)
	}
}

// Close tells that the transport is gone. The Hub's members go at once, so that
// nobody counts a ghost; the library's side follows when the handlers are done.
func (l *link) Close(reason string) {
	l.noteTransport() // an upgrade of this last second
	l.mu.Lock()
	l.closed, l.reason = true, reason
	peers := l.peersLocked()
	l.startWork()
	l.space.Broadcast()
	l.mu.Unlock()
	l.logClose(reason, peers)
	for _, p := range peers {
		p.detach()
	}
	l.admission.release()
	l.srv.links.remove(l)
}

// cleanUp ends the library's side of a closed link.
func (l *link) cleanUp() {
	l.mu.Lock()
	reason, peers := l.reason, l.peersLocked()
	l.mu.Unlock()
	defer l.srv.recovered("close handler", nil)
	for _, p := range peers {
		p.guard()
	}
	l.socket.Emit("close", reason, "")
	for _, p := range peers {
		p.leave()
	}
}

// isClosed tells whether the transport is gone, or going because the library said
// so: what joins from then on would miss its close.
func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed || l.closing
}

func (l *link) peer(namespace string) *peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(namespace)
}

// find is peer with the lock held.
func (l *link) find(namespace string) *peer {
	for _, p := range l.peers {
		if p.namespace == namespace {
			return p
		}
	}
	return nil
}

func (l *link) peersLocked() []*peer {
	return slices.Clone(l.peers)
}

func (l *link) peerCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.peers)
}

func (l *link) addPeer(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = append(l.peers, p)
}

func (l *link) removePeer(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = slices.DeleteFunc(l.peers, func(other *peer) bool { return other == p })
}
