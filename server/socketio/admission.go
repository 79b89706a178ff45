package socketio

import (
	"net/netip"
	"slices"
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
	users    []userPlace // few: most connections speak for one user
}

// userPlace is a user of a connection: the namespaces it is in, and its place among
// the user's connections.
type userPlace struct {
	user       string
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
		a.preAuth = nil
		return nil
	}
	return a.enter(id.RoomUser())
}

// enter counts one more namespace of a user, with the lock held.
func (a *admission) enter(user string) error {
	if user == "" {
		return nil
	}
	if i := a.find(user); i >= 0 {
		a.users[i].namespaces++
		return nil
	}
	release, err := a.limits.AcquireUser(user)
	if err != nil {
		return err
	}
	a.users = append(a.users, userPlace{user, 1, release})
	return nil
}

func (a *admission) find(user string) int {
	return slices.IndexFunc(a.users, func(p userPlace) bool { return p.user == user })
}

// leave is the end of a namespace.
func (a *admission) leave(id auth.Identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.find(id.RoomUser())
	if i < 0 {
		return
	}
	if a.users[i].namespaces--; a.users[i].namespaces == 0 {
		a.users[i].release()
		a.users = slices.Delete(a.users, i, i+1)
	}
}

// release gives every place back; it may be called more than once.
func (a *admission) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.preAuth != nil {
		a.preAuth()
	}
	if a.place != nil {
		a.place()
	}
	for _, p := range a.users {
		p.release()
	}
	a.users = nil
}
