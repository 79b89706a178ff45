package socketio

import (
	"net/netip"
	"sync"

	"github.com/roomcast/roomcast/auth"
)

// admission is a client's place under the connection limits: among those who have
// not said who they are until the first CONNECT, then among the users.
type admission struct {
	limits Limits
	ip     netip.Addr

	mu       sync.Mutex
	preAuth  func()
	place    func()
	admitted bool
	closed   bool
	users    map[string]*userPlace
}

// userPlace is a user of a connection: the namespaces it is in, and its place among
// the user's connections.
type userPlace struct {
	namespaces int
	release    func()
}

// newAdmission returns nil when the limits refuse the connection.
func newAdmission(limits Limits, ip netip.Addr) *admission {
	preAuth, err := limits.PreAuth(ip)
	if err != nil {
		return nil
	}
	return &admission{limits: limits, ip: ip, preAuth: preAuth}
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
			a.users = map[string]*userPlace{}
		}
		t = &userPlace{release: release}
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
