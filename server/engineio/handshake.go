package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// handshake creates a session (protocol section "Handshake"). The application decides before the
// response begins, so that a client which it refuses gets an HTTP status and no open WebSocket.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request) {
	if err := s.o.Gate(r); err != nil {
		s.refuseAdmission(w, r, s.crowded, err)
		return
	}
	session := s.newSession(r)
	upgrade := websocket.IsWebSocketUpgrade(r)
	if upgrade { // nothing can be written before the OPEN packet
		session.queue = append(session.queue, packet{kind: packetOpen, data: session.hello(false)})
	}
	if !s.add(session) {
		session.cancel()
		s.refuse(w, r, errDraining)
		return
	}
	session.hold() // the session may end before it has another goroutine
	defer session.release()
	opened := false
	defer func() { // also after a panic of a middleware
		if !opened {
			session.end(ending{reason: ReasonTransportError})
		}
	}()
	if err := session.accept(); err != nil {
		s.refuseAdmission(w, r, s.refusals, err)
		return
	}
	if upgrade {
		opened = s.openWebSocket(w, r, session)
		return
	}
	open := append([]byte{packetOpen}, session.hello(s.o.offers(WebSocket))...)
	opened = session.respond(w, open) == nil
}

// openWebSocket answers the handshake of a session on WebSocket and reports whether it has opened.
func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request, session *Session) bool {
	c, err := s.hijack(w, r, session)
	if err != nil {
		return false // hijack has answered
	}
	session.mu.Lock()
	if session.state == stateClosed { // meanwhile
		session.mu.Unlock()
		c.reject(closePolicy)
		return false
	}
	session.conn, c.live = c, true
	session.kick()
	session.mu.Unlock()
	// The goroutine of net/http has a deep stack and buffers that the reader does not need, so it
	// ends here.
	session.startReading(c)
	return true
}

func (s *Server) newSession(r *http.Request) *Session {
	session := &Session{server: s, id: newID(s.o.Tag())}
	session.ctx, session.cancel = context.WithCancel(s.o.Context(r))
	session.request = trim(r)
	session.refs.Store(1)
	session.touch()
	session.startBudget()
	return session
}

// newID returns 144 random bits, of which the tag replaces 6 with each character.
func newID(tag string) string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	if tag == "" {
		return base64.RawURLEncoding.EncodeToString(b[:])
	}
	id := base64.RawURLEncoding.AppendEncode(nil, b[:])
	copy(id[:maxTag], tag)
	return string(id)
}

// hello returns the JSON of the OPEN packet.
func (s *Session) hello(upgrades bool) []byte {
	list := ""
	if upgrades {
		list = `"` + WebSocket + `"`
	}
	o := &s.server.o
	return fmt.Appendf(nil,
		`{"sid":"%s","upgrades":[%s],"pingInterval":%d,"pingTimeout":%d,"maxPayload":%d}`,
		s.id, list, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload)
}

// accept calls Options.Accept and starts the heartbeat.
func (s *Session) accept() (err error) {
	s.recv.Lock() // a Close during Accept must wait until the handler is set
	s.handler, err = s.server.o.Accept(s)
	s.holder, _ = s.handler.(Holder)
	s.recv.Unlock()
	if err != nil {
		s.end(ending{reason: ReasonForcedClose})
		return err
	}
	s.startHeartbeat(time.Now())
	return nil
}
