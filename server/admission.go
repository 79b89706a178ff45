package server

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/engineio"
)

// admission is a link's place under the connection limits: among those who have
// not said who they are until the first CONNECT, then among the users.
type admission struct {
	limits *Limiter
	ip     netip.Addr

	mu       sync.Mutex
	preAuth  func()
	place    func()
	admitted bool
	closed   bool
}

// admit refuses a handshake while too many sessions have not said who they are,
// before a session is made for it.
func (s *Server) admit(r *http.Request) error {
	ip := clientIP(r)
	release, err := s.opts.Limits.PreAuth(ip)
	if err != nil {
		return err
	}
	release()
	return nil
}

func newAdmission(s *Server, session *engineio.Session) *admission {
	ip := clientIP(session.Request())
	preAuth, err := s.opts.Limits.PreAuth(ip)
	if err != nil {
		return nil
	}
	return &admission{limits: s.opts.Limits, ip: ip, preAuth: preAuth}
}

// admit counts the connection once its user is known. Further namespaces of the
// same connection count no more.
func (a *admission) admit(id auth.Identity) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.admitted || a.closed {
		return nil
	}
	place, err := a.limits.Acquire(SocketConnection, a.ip, id.RoomUser())
	if err != nil {
		return err
	}
	a.admitted, a.place = true, place
	a.preAuth()
	return nil
}

// release gives every place back; it may be called more than once.
func (a *admission) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.preAuth()
	if a.place != nil {
		a.place()
	}
}
