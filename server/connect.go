package server

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// retireTimeout is how long a client waits for its own former connection to end.
const retireTimeout = 2 * time.Second

var errTooManyNamespaces = &auth.Error{Code: "room_limit", Message: "Forbidden", Detail: "too many namespaces on one connection", Status: 403}

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
		l.session.Close("forced close") // another connection is resuming it; the client tries again
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

// refuse writes CONNECT_ERROR; message and code are those of the contract.
func (l *link) refuse(namespace string, err error) {
	refusal := refusalOf(err)
	l.srv.log.Debug("connection refused", zap.String("code", refusal.Data.Code))
	l.srv.opts.Metrics.refused(refusal.Data.Code)
	text, _, encodeErr := encodePacket(kindConnectError, namespace, nil, refusal)
	if encodeErr != nil {
		return
	}
	l.send(reply{frame: newFrame(text), size: len(text), now: true})
	l.countRefusal()
}

// countRefusal closes a client at its third refusal.
func (l *link) countRefusal() {
	l.mu.Lock()
	l.refusals++
	enough := l.refusals >= maxRefusals
	l.mu.Unlock()
	if enough {
		l.session.Close(reasonParse)
	}
}

// refused sees a CONNECT_ERROR of the library: a middleware said no, or the
// namespace does not exist.
func (l *link) refused(p *peer) {
	if p == nil {
		return
	}
	unknown := p.sock() == nil
	p.forget()
	if unknown {
		l.countRefusal()
	}
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
		l.session.Close("forced close")
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
		es.link.session.Close("forced close")
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

// resumeFrom decides how a client that was here before goes on. given is its
// CONNECT payload, forwarded is what the library will get.
func (p *peer) resumeFrom(given, forwarded map[string]any) {
	s := p.link.srv
	if !s.opts.recovery() {
		return
	}
	pid, _ := given["pid"].(string)
	offset, _ := given["offset"].(string)
	since := offset
	var session notify.Session
	known := false
	if pid != "" {
		session, known = s.hub.Session(pidKey(pid))
		known = known && session.UserID == p.identity.RoomUser() && session.Namespace == p.namespace
	}
	if known {
		if since == "" {
			since = session.Cursor.String()
		}
		p.channels, p.granted = p.permitted(session.Channels), session.Granted
		known = s.retire(p.namespace, session.ClientID)
	}
	if since == "" {
		since = p.credentials.Since
	}
	if since == "" {
		return
	}
	cursor := notify.ParseCursor(since)
	p.resume = &cursor
	if !known {
		return
	}
	p.clientID = session.ClientID
	if s.hub.Covers(p.attachment()) {
		p.recovered, p.pid = true, pid
		forwarded["pid"], forwarded["offset"] = pid, since
	} else {
		s.hub.ForgetSession(pidKey(pid))
	}
}

// claim makes p the one connection that resumes a session. A second one waits
// until the first is in, to replace it then.
func (s *Server) claim(pid string, p *peer) bool {
	ctx, cancel := context.WithTimeout(p.link.session.Context(), s.opts.ConnectTimeout)
	defer cancel()
	for {
		other, taken := s.restoring.LoadOrStore(pid, p)
		if !taken {
			return true
		}
		select {
		case <-other.(*peer).settled:
			s.restoring.CompareAndDelete(pid, other)
		case <-other.(*peer).link.session.Context().Done():
			s.restoring.CompareAndDelete(pid, other)
		case <-ctx.Done():
			return false
		}
	}
}

// retire closes the connection that still holds a client id which is to be
// resumed: the newest connection wins. It waits until the library has let go of
// the old one, and reports whether it did: a handler that runs on keeps the id.
func (s *Server) retire(namespace, clientID string) bool {
	old := s.peers.get(namespace, clientID)
	if old == nil {
		return true
	}
	old.link.session.Close("forced close")
	timeout := time.NewTimer(retireTimeout)
	defer timeout.Stop()
	select {
	case <-old.gone:
		return true
	case <-timeout.C:
		return false
	}
}

// refusal is the data of a CONNECT_ERROR.
type refusal struct {
	Message string      `json:"message"`
	Data    refusalData `json:"data"`
}

type refusalData struct {
	Code       string `json:"code"`
	Detail     string `json:"detail,omitempty"`     // which field is at fault
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
}

func refusalOf(err error) refusal {
	var known *auth.Error
	var full *LimitError
	switch {
	case errors.As(err, &known):
		return refusal{known.Message, refusalData{Code: known.Code, Detail: detailOf(known), RetryAfter: int(known.RetryAfter / time.Second)}}
	case errors.As(err, &full):
		return refusal{"Too many connections", refusalData{Code: codeTooMany, RetryAfter: int(full.RetryAfter / time.Second)}}
	}
	return refusal{"Internal error", refusalData{Code: codeInternal}}
}

// detailOf tells a client which field it got wrong; of credentials it learns no
// more than that they do not count.
func detailOf(err *auth.Error) string {
	if errors.Is(err, auth.ErrMalformed) {
		return err.Detail
	}
	return ""
}
