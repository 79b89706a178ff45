package limit

import "time"

const (
	// ghostLife is how long the connections to a node that was killed are counted.
	ghostLife = 20 * time.Second
	// refusedLife is how long a user without a new attempt is remembered.
	refusedLife = time.Minute
	// maxRefused is the number of these users.
	maxRefused = 4096
)

// Cluster shares the numbers of connections of users with the other nodes. Its methods neither wait nor
// call the Limiter.
type Cluster interface {
	// ShareConnections tells the other nodes how many connections a user has to this one.
	ShareConnections(user string, n int)
	// ConnectionsElsewhere returns the sum of these numbers of the other nodes.
	ConnectionsElsewhere(user string) int
}

// elsewhere has the connections of users to other nodes. The zero value has none.
type elsewhere struct {
	cluster Cluster // nil: there are no other nodes
	sharing bool
	refused map[string]refused // users above the limit only by connections to other nodes
}

// refused are the attempts of a user.
type refused struct{ first, last time.Time }

// JoinCluster makes Options.PerUser count the connections of a user to other nodes of a cluster, too.
// These are known a moment later: connections that are opened to several nodes at once can exceed the
// limit. Call it before serving.
func (l *Limiter) JoinCluster(c Cluster) {
	l.elsewhere = elsewhere{cluster: c, refused: map[string]refused{}}
	l.shareAll()
}

func (e *elsewhere) count(user string) int {
	if e.cluster == nil {
		return 0
	}
	return e.cluster.ConnectionsElsewhere(user)
}

// share tells the other nodes the number of a user, if it is limited. The caller holds the lock.
func (l *Limiter) share(user string) {
	if l.elsewhere.sharing {
		l.elsewhere.cluster.ShareConnections(user, l.users[user])
	}
}

// shareAll begins or ends to share the numbers when the limit has changed. The caller holds the lock.
func (l *Limiter) shareAll() {
	e := &l.elsewhere
	limited := e.cluster != nil && l.options.PerUser > 0
	if limited == e.sharing {
		return
	}
	e.sharing = limited
	for user, n := range l.users {
		if !limited {
			n = 0
		}
		e.cluster.ShareConnections(user, n)
	}
}

// mayPass notes an attempt of a user who is above the limit by connections to other nodes. It reports
// whether one of these may have ended unnoticed: a node that was killed is not counted any more after
// ghostLife.
func (e *elsewhere) mayPass(user string) bool {
	now := time.Now()
	r := e.refused[user]
	if now.Sub(r.last) > refusedLife {
		e.forget(now)
		r.first = now
	}
	r.last = now
	e.refused[user] = r
	return now.Sub(r.first) < ghostLife
}

// forget makes room for one more user.
func (e *elsewhere) forget(now time.Time) {
	if len(e.refused) < maxRefused {
		return
	}
	for user, r := range e.refused {
		if now.Sub(r.last) > refusedLife {
			delete(e.refused, user)
		}
	}
	if len(e.refused) >= maxRefused {
		clear(e.refused)
	}
}
