package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNoSession is the error of SharedSessions for a key that has no session.
var ErrNoSession = errors.New("there is no such session")

// ErrVoidSession is the error of SharedSessions.Load for a session that Void refuses. It wraps
// ErrNoSession.
var ErrVoidSession = fmt.Errorf("%w: its user was disconnected", ErrNoSession)

// ErrNoPeer is the error of Peers.Ask for a node that has ended.
var ErrNoPeer = errors.New("there is no such node")

// Cluster lets a Hub share its sessions with the Hubs of other nodes, which follow the same log. A
// client that comes back to another node then resumes its session there. All fields are required.
type Cluster struct {
	Node     string // the name of this node, which no other one has or had
	Sessions SharedSessions
	Peers    Peers
}

// SharedSessions keeps the sessions of all nodes, each for a time after its last Save or Keep. A
// session belongs to the node that took it last. Several goroutines may call the methods at the same
// time. Data of a session is nil or a json.RawMessage.
//
// An error other than ErrNoSession says that the store cannot be reached; the outcome of the call is
// unknown.
type SharedSessions interface {
	// Load returns the session of a key, or ErrVoidSession after Void.
	Load(ctx context.Context, key string) (Session, error)

	// Take stores a session in place of the one that its key has, in one step, and returns the
	// latter. It returns ErrNoSession, and stores nothing, if the key has none.
	Take(ctx context.Context, s Session, ttl time.Duration) (before Session, err error)

	// Save stores sessions and removes those whose keys have ended. A session that cannot be stored
	// is left out. After an error the Hub calls it with the same sessions again. Save sets
	// Session.Void of the sessions of users that have none.
	Save(ctx context.Context, changed []Session, ended []string, ttl time.Duration) error

	// Keep gives the sessions of keys more time, and returns those that there are.
	Keep(ctx context.Context, keys []string, ttl time.Duration) ([]Session, error)

	// Void refuses for a time the sessions of a user that have been saved before.
	Void(ctx context.Context, userID string, ttl time.Duration) error
}

// Peers reaches the Hubs of other nodes, each message at most once.
type Peers interface {
	// Tell sends a message of a kind to all nodes. Answers are dropped.
	Tell(ctx context.Context, kind string, message []byte) error

	// Ask sends a question of a kind to a node and returns the answer. It returns ErrNoPeer at once
	// if it knows that the node has ended, and the error of ctx if the node does not answer in time.
	Ask(ctx context.Context, node, kind string, question []byte) (answer []byte, err error)

	// Handle answers messages of a kind, from any goroutine. answer returns soon.
	Handle(kind string, answer func(question []byte) []byte)
}

// Owner says who has a session that several nodes share.
type Owner struct {
	Node string // see Cluster.Node
	// Term is how often a node has taken the session over. The session with the highest one is valid.
	Term uint64
}

// isBefore reports whether a session of this owner gives way to one that the store, or another node,
// has. Of two nodes only one thinks so. nil is a server of another kind: it stores a session when it
// has taken it over and its client has left.
func (o *Owner) isBefore(other *Owner) bool {
	switch {
	case other == nil:
		return true
	case o.Term != other.Term:
		return o.Term < other.Term
	}
	return o.Node < other.Node
}

// next returns the term of the next owner.
func (o *Owner) next() uint64 {
	if o == nil {
		return 1
	}
	return o.Term + 1
}
