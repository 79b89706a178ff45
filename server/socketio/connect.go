package socketio

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// connect answers a CONNECT. Who the client is gets settled here, before the
// library sees the packet and for every namespace: a dynamic namespace replaces
// its middlewares by its parent's, so a middleware is no place for it.
func (l *link) connect(p *packet) {
	if l.peer(p.namespace) != nil {
		l.session.Close(reasonParse)
		return
	}
	if l.peerCount() >= maxPeers {
		l.refuse(p.namespace, errTooManyNamespaces)
		return
	}
	credentials, err := l.credentials.WithAuth(p.auth)
	if err != nil {
		l.refuse(p.namespace, err)
		return
	}
	identity, err := l.authenticate(credentials)
	if err != nil {
		l.refuse(p.namespace, err)
		return
	}
	peer := newPeer(l, p.namespace, identity, credentials)
	if pid, _ := p.auth["pid"].(string); pid != "" && !l.srv.claim(pid, peer) {
		l.session.Close(reasonForced) // another connection is resuming it; the client tries again
		return
	} else if pid != "" {
		defer l.srv.restoring.CompareAndDelete(pid, peer)
	}
	payload := cleanAuth(p.auth, l.srv.opts.Plain)
	peer.resumeFrom(p.auth, payload)
	// The connection that it replaces has given its place back by now.
	if err := l.admission.admit(identity); err != nil {
		l.refuse(p.namespace, err)
		return
	}
	l.addPeer(peer)
	known := l.srv.prepare(p.namespace)
	l.hand(peer, &parser.Packet{Type: parser.CONNECT, Nsp: p.namespace, Data: payload}, known)
	peer.awaitJoin()
}

// authenticate decides who sends a CONNECT.
func (l *link) authenticate(c auth.Credentials) (auth.Identity, error) {
	return l.srv.opts.Limits.Attempt(edge.ClientIP(l.session.Request()), func() (auth.Identity, error) {
		return l.srv.opts.Auth.Authenticate(l.session.Context(), c, auth.SocketIO)
	})
}

// hand forwards a CONNECT. The library does not expect two clients to call a
// dynamic namespace into being at the same time: one of them would be in a twin
// that nobody emits to.
func (l *link) hand(p *peer, packet *parser.Packet, known bool) {
	if !known {
		l.srv.creating.Lock()
		p.created = sync.OnceFunc(l.srv.creating.Unlock) // at the latest here, else by intercept
		defer p.created()
	}
	l.forward(p, packet)
}

// cleanAuth is the CONNECT payload as handlers may see it: without what proves
// the identity, and without the recovery keys, which resumeFrom puts back only
// when the library is to restore a session.
//
// A plain server shows handlers the payload as it came.
func cleanAuth(auth map[string]any, plain bool) map[string]any {
	clean := maps.Clone(auth)
	if clean == nil {
		clean = map[string]any{}
	}
	secret := []string{"pid", "offset", "token", "ticket"}
	if plain {
		secret = secret[:2]
	}
	for _, key := range secret {
		delete(clean, key)
	}
	return clean
}

// forward hands a packet to the library. A panic of a middleware refuses this
// client and reaches nobody else.
func (l *link) forward(p *peer, packet *parser.Packet) {
	defer l.srv.recovered("middleware", func() {
		l.refuse(packet.Nsp, errors.New("internal error"))
		p.forget()
	})
	l.socket.Emit("data", packet)
}

// disconnect answers a DISCONNECT of the client: it leaves one namespace. What
// follows waits until the library has let the socket go, so that a CONNECT to
// the same namespace starts clean.
func (l *link) disconnect(p *packet) {
	peer := l.peer(p.namespace)
	if peer == nil || peer.sock() == nil {
		l.session.Close(reasonParse)
		return
	}
	peer.guard()
	l.socket.Emit("data", &parser.Packet{Type: parser.DISCONNECT, Nsp: p.namespace})
	timeout := time.NewTimer(l.srv.opts.ConnectTimeout)
	defer timeout.Stop()
	select {
	case <-peer.gone:
	case <-l.session.Context().Done():
	case <-timeout.C:
		l.session.Close(reasonForced)
	}
	// A client that comes and goes keeps one session, not one for each time.
	l.mu.Lock()
	earlier := l.lastLeft
	l.lastLeft = pidKey(peer.pid)
	l.mu.Unlock()
	if earlier != "" && earlier != pidKey(peer.pid) {
		l.srv.hub.ForgetSession(earlier)
	}
}

// intercept is the first middleware of every namespace: it learns which Socket
// the library made for a CONNECT and puts its member into the Hub, so that
// middlewares which follow can join rooms.
func (s *Server) intercept(sock *socket.Socket, next func(*socket.ExtendedError)) {
	es, ok := sock.Conn().(*engineSocket)
	if !ok {
		next(socket.NewExtendedError("Forbidden", map[string]any{"code": "forbidden"}))
		return
	}
	p := es.link.peer(sock.Nsp().Name())
	if p == nil || p.sock() != nil {
		next(socket.NewExtendedError("Forbidden", map[string]any{"code": "forbidden"}))
		return
	}
	if payload, ok := sock.Handshake().Auth.(map[string]any); ok {
		delete(payload, "pid") // the library has read it, and handlers have no use for it
		delete(payload, "offset")
	}
	if err := p.attach(sock); err != nil {
		// The id is another connection's, which the library would clean up after if
		// it were told to refuse this one.
		s.log.Error("member cannot be attached", zap.Error(err))
		es.link.session.Close(reasonForced)
		p.forget()
		return
	}
	// The library removes a dynamic namespace that has no sockets, so this one is
	// listed before the middlewares are asked.
	sock.Nsp().Sockets().Store(sock.Id(), sock)
	if p.created != nil {
		p.created()
	}
	next(nil)
}

// joined is the last listener of every namespace's "connection": the handlers of
// Go code have run, so the client's next packet may be handled.
func (s *Server) joined(args ...any) {
	defer s.recovered("disconnect handler", nil)
	sock, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	p := peerOf(sock)
	if p == nil {
		return
	}
	_ = sock.Once("disconnect", func(...any) { p.forget() })
	p.settle()
	if p.link.isClosed() || !sock.Connected() { // its transport went while the library was joining
		p.guard()
		sock.Disconnect(false)
		p.forget()
	}
}
