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

// handshake creates a session (protocol section "Handshake").
func (s *Server) handshake(w http.ResponseWriter, r *http.Request) {
	if s.isDraining() {
		s.refuse(w, r, errDraining)
		return
	}
	if err := s.o.Admit(r); err != nil {
		s.refuseAdmission(w, r, err)
		return
	}
	if websocket.IsWebSocketUpgrade(r) {
		s.openWebSocket(w, r)
		return
	}
	session := s.newSession(r)
	if !s.add(session) {
		session.cancel()
		s.refuse(w, r, errDraining)
		return
	}
	if !session.accept() {
		// Other handshakes may have reached a limit since Admit: then it names the limit now.
		if err := s.o.Admit(r); err != nil {
			s.refuseAdmission(w, r, err)
		} else {
			s.refuse(w, r, errForbidden)
		}
		return
	}
	open := append([]byte{packetOpen}, session.hello(s.o.offers(WebSocket))...)
	if err := session.respond(w, open); err != nil {
		session.end(ending{reason: ReasonTransportError})
	}
}

func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request) {
	session := s.newSession(r)
	c, err := s.hijack(w, r, session)
	if err != nil {
		session.cancel()
		return // hijack has answered
	}
	session.conn, c.live = c, true
	session.queue = append(session.queue, packet{kind: packetOpen, data: session.hello(false)})
	if !s.add(session) {
		session.cancel()
		c.reject(closeGoingAway)
		return
	}
	session.hold()
	defer session.release()
	session.accept()
	session.mu.Lock()
	session.kick()
	session.mu.Unlock()
	// The goroutine of net/http has a deep stack and buffers that the reader does not need, so it
	// ends here.
	session.startReading(c)
}

func (s *Server) newSession(r *http.Request) *Session {
	session := &Session{server: s, id: newID()}
	session.ctx, session.cancel = context.WithCancel(s.o.Context(r))
	session.request = trim(r)
	session.refs.Store(1)
	session.touch()
	session.startBudget()
	return session
}

// newID returns 144 random bits.
func newID() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
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

// accept calls Options.Accept and starts the heartbeat. It reports whether the session has a
// handler.
func (s *Session) accept() bool {
	s.recv.Lock() // a Close during Accept must wait until the handler is set
	s.handler = s.server.o.Accept(s)
	s.holder, _ = s.handler.(Holder)
	s.recv.Unlock()
	if s.handler == nil {
		s.end(ending{reason: ReasonForcedClose, code: closePolicy})
		return false
	}
	s.startHeartbeat(time.Now())
	return true
}
