// Package cluster is how the nodes of a cluster talk to each other.
package cluster

import (
	"context"
	"errors"
)

// MaxBody is the largest body of a message or an answer, in bytes.
const MaxBody = 1 << 20

// MaxKind is the longest kind of a message, in bytes.
const MaxKind = 64

// ErrTooLarge is the error of a kind or body above the maximum.
var ErrTooLarge = errors.New("the message is too large for the other nodes")

// Bus carries messages to all other nodes, at most once: what a node misses, because it is not
// connected or has too much to do, is lost. Any goroutine may call the methods.
type Bus interface {
	// Tell sends a message. It returns when the message is on its way. After an error it may have
	// been sent.
	Tell(ctx context.Context, kind string, body []byte) error

	// Ask sends a message and collects the answers by node, for a second or until ctx ends. silent
	// are the nodes that have not answered, in order: those that are too slow, that have just ended,
	// and those of another version, which do not know the kind. With an error nobody was asked.
	Ask(ctx context.Context, kind string, body []byte) (
		answers map[string][]byte, silent []string, err error)

	// Handle sets what answers messages of a kind. Calls come from several goroutines, and in no
	// order. f does not keep or change body, and returns soon: while several calls wait, other
	// messages do, too. The answer to a message of Tell is dropped.
	Handle(kind string, f func(from string, body []byte) (answer []byte))
}

// Node describes a node to the others.
type Node struct {
	UID     string `json:"uid"`            // 16 hexadecimal digits, new for each process
	Addr    string `json:"addr,omitempty"` // where the other nodes reach its HTTP server; "": nowhere
	Version string `json:"version,omitempty"`

	// Tag is the name of the node in the ids of its sessions: 4 characters of the base64 alphabet
	// for URLs. No other node has it at the same time.
	Tag string `json:"tag"`

	// Secret proves to the node that a request is from another node. Only the list of nodes has it.
	Secret [32]byte `json:"-"`
}

// Alone is the Bus of a node without others.
type Alone struct{}

// Tell implements Bus.
func (Alone) Tell(context.Context, string, []byte) error { return nil }

// Ask implements Bus.
func (Alone) Ask(context.Context, string, []byte) (map[string][]byte, []string, error) {
	return nil, nil, nil
}

// Handle implements Bus.
func (Alone) Handle(string, func(string, []byte) []byte) {}
