package socketio

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/engineio"
)

// admission is a link's place under the connection limits: among those who have
// not said who they are until the first CONNECT, then among the users.
type admission struct {
	limits Limits
	ip     netip.Addr

	mu       sync.Mutex
	preAuth  func()
	place    func()
	admitted bool
	closed   bool
	users    map[string]*tenant
}

// tenant is a user of a connection: the namespaces it is in, and its place among
// the user's connections.
type tenant struct {
	namespaces int
	release    func()
}

// admit refuses a handshake while too many sessions have not said who they are,
// before a session is made for it.
func (s *Server) admit(r *http.Request) error {
	ip := edge.ClientIP(r)
	release, err := s.opts.Limits.PreAuth(ip)
	if err != nil {
		return err
	}
	release()
	return nil
}

func newAdmission(s *Server, session *engineio.Session) *admission {
	ip := edge.ClientIP(session.Request())
	preAuth, err := s.opts.Limits.PreAuth(ip)
	if err != nil {
		return nil
	}
	return &admission{limits: s.opts.Limits, ip: ip, preAuth: preAuth}
}

// admit counts the connection once a user is known, and it for each user that it
// speaks for: a namespace has credentials of its own. Each admit is followed by a
// leave.
func (a *admission) admit(id auth.Identity) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	if !a.admitted {
		place, err := a.limits.AcquireSocket(a.ip)
		if err != nil {
			return err
		}
		if err := a.enter(id.RoomUser()); err != nil {
			place()
			return err
		}
		a.admitted, a.place = true, place
		a.preAuth()
		return nil
	}
	return a.enter(id.RoomUser())
}

// enter counts one more namespace of a user, with the lock held.
func (a *admission) enter(user string) error {
	if user == "" {
		return nil
	}
	t := a.users[user]
	if t == nil {
		release, err := a.limits.AcquireUser(user)
		if err != nil {
			return err
		}
		if a.users == nil {
			a.users = map[string]*tenant{}
		}
		t = &tenant{release: release}
		a.users[user] = t
	}
	t.namespaces++
	return nil
}

// leave is the end of a namespace.
func (a *admission) leave(id auth.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user := id.RoomUser()
	t := a.users[user]
	if t == nil {
		return
	}
	if t.namespaces--; t.namespaces == 0 {
		t.release()
		delete(a.users, user)
	}
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
	for _, t := range a.users {
		t.release()
	}
	a.users = nil
}
