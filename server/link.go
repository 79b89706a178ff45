package server

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/engineio"
)

const (
	reasonShutdown = "server shutting down"
	reasonParse    = "parse error"
)

// maxUnhandled is how many packets of one client may wait for their handlers;
// its reader waits at more.
const maxUnhandled = 64

// maxUnknownNamespaces closes a client that keeps asking for namespaces that do
// not exist.
const maxUnknownNamespaces = 3

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
	limiter    *rate.Limiter
	abuse      abuse

	mu       sync.Mutex
	space    *sync.Cond // signalled when inbox or replies shrink, or the link closes
	inbox    []*packet
	working  bool
	closed   bool
	reason   string
	peers    map[string]*peer // by namespace, from CONNECT to disconnect
	unknown  int              // CONNECTs to namespaces that do not exist
	replies  outbox
	nextBeat time.Time

	// The writer's own, see Pull.
	turn     int
	leftover pulled
}

func newLink(srv *Server, session *engineio.Session) *link {
	l := &link{
		srv: srv, session: session, peers: make(map[string]*peer, 1),
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
	if p == nil || (p.isEvent() && !l.allow(p)) {
		return
	}
	l.enqueue(p)
}

func (l *link) enqueue(p *packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inbox) >= maxUnhandled {
		// The session may end while the reader waits here.
		stop := context.AfterFunc(l.session.Context(), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.space.Broadcast()
		})
		defer stop()
		for len(l.inbox) >= maxUnhandled && l.session.Context().Err() == nil {
			l.space.Wait()
		}
	}
	if l.closed || len(l.inbox) >= maxUnhandled {
		return
	}
	l.inbox = append(l.inbox, p)
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
	l.mu.Lock()
	l.closed, l.reason = true, reason
	peers := l.peersLocked()
	l.startWork()
	l.space.Broadcast()
	l.mu.Unlock()
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
		p.forget()
	}
}

func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *link) peer(namespace string) *peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peers[namespace]
}

func (l *link) peersLocked() []*peer {
	peers := make([]*peer, 0, len(l.peers))
	for _, p := range l.peers {
		peers = append(peers, p)
	}
	return peers
}

func (l *link) addPeer(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers[p.namespace] = p
}

func (l *link) removePeer(p *peer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.peers[p.namespace] == p {
		delete(l.peers, p.namespace)
	}
}
