package socketio

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/roomcast/roomcast/auth"
)

// admission counts a client for the connection limits: as a connection without an identity until
// its first CONNECT, then for its address and its users.
type admission struct {
	limits Limits
	ip     netip.Addr

	mu       sync.Mutex
	preAuth  func()
	place    func()
	admitted bool
	closed   bool
	users    []userPlace // usually one
}

// userPlace counts a connection for one of its users.
type userPlace struct {
	user       string
	namespaces int    // of the connection that have this user
	release    func() // of Limits.AcquireUser
}

// newAdmission returns an error when the limits refuse the connection. giveWay ends it when others
// need its place before its first CONNECT.
func newAdmission(limits Limits, ip netip.Addr, giveWay func()) (*admission, error) {
	preAuth, err := limits.PreAuth(ip, giveWay)
	if err != nil {
		return nil, err
	}
	return &admission{limits: limits, ip: ip, preAuth: preAuth}, nil
}

// admit counts a namespace of the connection for its user. The first call also counts the
// connection for its address. A connection can have several users, because each namespace has its
// own credentials. moved is that of Limits.AcquireUser. The caller must call leave after each admit
// without an error.
func (a *admission) admit(id auth.Identity, moved bool) error {
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
		if err := a.enter(id.RoomUser(), moved); err != nil {
			place()
			return err
		}
		a.admitted, a.place = true, place
		a.preAuth()
		a.preAuth = nil
		return nil
	}
	return a.enter(id.RoomUser(), moved)
}

// enter counts one more namespace of a user. The caller holds the lock.
func (a *admission) enter(user string, moved bool) error {
	if user == "" {
		return nil
	}
	if i := a.find(user); i >= 0 {
		a.users[i].namespaces++
		return nil
	}
	release, err := a.limits.AcquireUser(user, moved)
	if err != nil {
		return err
	}
	a.users = append(a.users, userPlace{user, 1, release})
	return nil
}

func (a *admission) find(user string) int {
	return slices.IndexFunc(a.users, func(p userPlace) bool { return p.user == user })
}

// leave ends what one admit has counted for the user.
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

// release ends everything that is counted. It may be called more than once.
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
