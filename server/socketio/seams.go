package socketio

import (
	"net/netip"
	"time"

	"github.com/roomcast/roomcast/auth"
)

// Limits bounds the connections of a Server. The errors of the first three methods have an HTTP
// status and the time after which the client can try again, see edge.Overload. Each release ends
// the count and may be called more than once.
type Limits interface {
	// PreAuth counts a connection that has sent no CONNECT yet. giveWay ends it when others need
	// its place.
	PreAuth(ip netip.Addr, giveWay func()) (release func(), err error)
	// AcquireSocket counts a connection from its first CONNECT on.
	AcquireSocket(ip netip.Addr) (release func(), err error)
	// AcquireUser counts a connection for one of its users. moved says that the connection takes the
	// place of one to another node of a cluster. An error with Passing() true is for a client that
	// should come again by itself.
	AcquireUser(user string, moved bool) (release func(), err error)
	// Attempt runs a check of credentials and refuses failures of an address that has too many.
	Attempt(ip netip.Addr, check func() (auth.Identity, error)) (auth.Identity, error)
}

// Metrics counts what happens on the connections of a Server.
type Metrics interface {
	// Written counts a write. since is when the server accepted the oldest notification in it; it
	// is zero for a write without one.
	Written(transport string, bytes int, since time.Time)
	// Refused counts a connection or an event refused with an error code.
	Refused(code string)
	// Panicked counts a panic of a handler.
	Panicked()
}

type noLimits struct{}

func (noLimits) PreAuth(netip.Addr, func()) (func(), error) { return func() {}, nil }
func (noLimits) AcquireSocket(netip.Addr) (func(), error)   { return func() {}, nil }
func (noLimits) AcquireUser(string, bool) (func(), error)   { return func() {}, nil }
func (noLimits) Attempt(_ netip.Addr, check func() (auth.Identity, error)) (auth.Identity, error) {
	return check()
}

type noMetrics struct{}

func (noMetrics) Written(string, int, time.Time) {}
func (noMetrics) Refused(string)                 {}
func (noMetrics) Panicked()                      {}
