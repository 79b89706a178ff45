package server

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/zishang520/socket.io-go-parser/v2/parser"
	"github.com/zishang520/socket.io/v2/socket"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// connect answers a CONNECT. Who the client is gets settled here, before the
// library sees the packet and for every namespace: a dynamic namespace replaces
// its middlewares by its parent's, so a middleware is no place for it.
func (l *link) connect(p *packet) {
	if l.peer(p.namespace) != nil {
		l.session.Close(reasonParse)
		return
	}
	credentials, err := l.credentials.WithAuth(p.auth)
	if err != nil {
		l.refuse(p.namespace, err)
		return
	}
	identity, err := l.srv.opts.Auth.Authenticate(l.session.Context(), credentials, auth.SocketIO)
	if err == nil {
		err = l.admission.admit(identity)
	}
	if err != nil {
		l.refuse(p.namespace, err)
		return
	}
	peer := newPeer(l, p.namespace, identity, credentials)
	payload := cleanAuth(p.auth, l.srv.opts.Plain)
	peer.resumeFrom(p.auth, payload)
	l.addPeer(peer)
	release, known := l.srv.prepare(p.namespace)
	defer release()
	if peer.recovered {
		l.srv.restoring.Store(peer.pid, peer)
		defer l.srv.restoring.Delete(peer.pid)
	}
	l.hand(peer, &parser.Packet{Type: parser.CONNECT, Nsp: p.namespace, Data: payload}, known)
	peer.awaitJoin()
}

// hand forwards a CONNECT. The library does not expect two clients to call a
// dynamic namespace into being at the same time: one of them would be in a twin
// that nobody emits to.
func (l *link) hand(p *peer, packet *parser.Packet, known bool) {
	if !known {
		l.srv.creating.Lock()
		defer l.srv.creating.Unlock()
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
		p.settle()
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
	l.send(reply{frame: newFrame(text), size: len(text)})
}

// refused sees a CONNECT_ERROR of the library: a middleware said no, or the
// namespace does not exist.
func (l *link) refused(_ *wirePacket, p *peer) {
	if p == nil {
		return
	}
	unknown := p.sock() == nil
	p.settle()
	p.forget()
	if !unknown {
		return
	}
	l.mu.Lock()
	l.unknown++
	flood := l.unknown >= maxUnknownNamespaces
	l.mu.Unlock()
	if flood {
		l.session.Close(reasonParse)
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
	select {
	case <-peer.gone:
	case <-l.session.Context().Done():
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
		s.log.Error("member cannot be attached", zap.Error(err))
		next(socket.NewExtendedError("Internal error", map[string]any{"code": "internal"}))
		return
	}
	next(nil)
}

// joined is the last listener of every namespace's "connection": the handlers of
// Go code have run, so the client's next packet may be handled.
func (s *Server) joined(args ...any) {
	sock, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	es, ok := sock.Conn().(*engineSocket)
	if !ok {
		return
	}
	p := es.link.peer(sock.Nsp().Name())
	if p == nil || p.sock() != sock {
		sock.Disconnect(false) // its transport went while the library was joining
		return
	}
	_ = sock.Once("disconnect", func(...any) { p.forget() })
	p.settle()
	if es.link.isClosed() || !sock.Connected() {
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
		session, known = s.hub.Session(pid)
		known = known && session.UserID == p.identity.RoomUser() && session.Namespace == p.namespace
	}
	if known {
		if since == "" {
			since = session.Cursor.String()
		}
		p.channels, p.granted = p.permitted(session.Channels), session.Granted
		s.retire(p.namespace, session.ClientID)
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
		s.hub.ForgetSession(pid)
	}
}

// retire closes the connection that still holds a client id which is to be
// resumed, and waits until it is gone: the newest connection wins.
func (s *Server) retire(namespace, clientID string) {
	m := s.hub.Member(namespace, clientID)
	if m == nil {
		return
	}
	old, ok := m.Owner().(*peer)
	if !ok {
		return
	}
	old.link.session.Close("forced close")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	select {
	case <-old.gone:
	case <-ctx.Done():
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
