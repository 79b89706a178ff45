// Package forward passes requests of clients to the node of the cluster that has their session.
//
// A load balancer without sticky sessions sends each request of a client to any node. The id of a
// session begins with the tag of its node, so every node knows where such a request belongs.
package forward

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/server/edge"
	"github.com/roomcast/roomcast/server/limit"
	"github.com/roomcast/roomcast/server/sockets"
)

const (
	// TagSize is the length of a tag: characters of the base64 alphabet for URLs.
	TagSize = 4
	idSize  = 24 // of an id with a tag

	minSecret = 32 // bytes
	busyRetry = time.Second
)

// ErrUnknown: no node has this session, or its node cannot be reached.
var ErrUnknown = errors.New("no node has this id")

// Node is a node of the cluster, as the nodes know each other.
type Node struct {
	Tag     string
	Address string // see ParseAddress; "": nothing can be forwarded to it
	// Secret proves to the node that a request is from another node. Each process has its own, see
	// NewSecret, and tells it to the others where no client can read it: in its entry of the list of
	// nodes in Redis.
	Secret []byte
}

// Options configure a Forwarder. Start from DefaultOptions: a zero means zero.
type Options struct {
	Tag    func() string // of this node; it may change
	Secret []byte        // of this node, at least 32 bytes
	// Nodes returns the list of the nodes. The Forwarder calls it at most four times a second, and
	// keeps the list while it fails.
	Nodes func(context.Context) ([]Node, error)

	// Max is how many requests the node forwards at the same time. A WebSocket that another node has
	// counts until it ends. Above half of it, one address has at most an eighth. The default is
	// 10,000.
	Max int
	// Wait is the longest time until the other node answers a request that it has: longer than the
	// longest poll. The default is 85 s, the ping interval and the ping timeout of Socket.IO.
	Wait time.Duration

	Files *limit.Descriptors // nil: open files are not counted
	Log   *zap.Logger        // nil: no log
}

// DefaultOptions returns the default options, without the required Tag, Secret and Nodes.
func DefaultOptions() Options { return Options{Max: 10_000, Wait: 85 * time.Second} }

// NewSecret returns a secret for a node.
func NewSecret() []byte {
	secret := make([]byte, minSecret)
	_, _ = rand.Read(secret) // never fails
	return secret
}

// ParseAddress reads the address at which other nodes reach a node: http://host:port or
// https://host:port.
func ParseAddress(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%.100q: expected http://host:port or https://host:port", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// Forwarder forwards requests to other nodes, and recognizes those that other nodes forward. Any
// goroutine may call its methods. The caller must call Close.
type Forwarder struct {
	o       Options
	id      string        // of this process, as a sender
	count   atomic.Uint64 // of the last request sent
	nodes   nodes
	slots   slots
	senders senders
	proxy   *httputil.ReverseProxy
	logged  rare
	counts  counts

	upgraded *sockets.Endless // connections

	ctx context.Context // done after Close
	end context.CancelFunc
}

// New returns a Forwarder. An error names the option that is missing or out of range.
func New(o Options) (*Forwarder, error) {
	switch {
	case o.Tag == nil || o.Nodes == nil:
		return nil, errors.New("forward: Options.Tag and Options.Nodes must be given")
	case len(o.Secret) < minSecret:
		return nil, fmt.Errorf("forward: Options.Secret has %d bytes, expected at least %d",
			len(o.Secret), minSecret)
	case o.Max < 1 || o.Wait <= 0:
		return nil, fmt.Errorf("forward: Options.Max is %d and Options.Wait is %v, expected more "+
			"than 0: start from DefaultOptions()", o.Max, o.Wait)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	f := &Forwarder{o: o, id: rand.Text()[:senderSize], upgraded: sockets.NewEndless()}
	f.ctx, f.end = context.WithCancel(context.Background())
	f.nodes.start(f.ctx, o.Nodes, o.Log)
	f.slots = slots{max: o.Max, addresses: make(map[netip.Addr]int)}
	f.senders.all = make(map[string]*sender)
	f.proxy = f.newProxy()
	return f, nil
}

// Tag returns the tag of this node.
func (f *Forwarder) Tag() string { return f.o.Tag() }

// Forward passes a request about the session or stream with this id to its node, and the response
// to the client. It returns nil when the response has begun. Otherwise it has written nothing, and
// the error is
//
//   - [ErrUnknown] if the id is not of another node, if that node is gone, or if another node has
//     forwarded the request already;
//   - one with the methods of [edge.Overload] if this node forwards too many requests;
//   - the error of the body if the client does not send it.
//
// It never sends a request twice.
func (f *Forwarder) Forward(w http.ResponseWriter, r *http.Request, id string) error {
	tag, ok := f.foreignTag(id)
	if !ok || isForwarded(r) || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return ErrUnknown
	}
	ip := edge.ClientIP(r)
	if f.o.Files.Full() || !f.slots.take(ip) {
		f.counts.busy.Add(1)
		f.logged.warn(f.o.Log, "requests for sessions of other nodes are refused: there are too many")
		return errBusy
	}
	defer f.slots.release(ip)
	node, ok := f.nodes.find(r.Context(), tag)
	if !ok {
		f.counts.unknown.Add(1)
		return ErrUnknown
	}
	return f.pass(w, r, node)
}

// IsForeign reports whether another node may have given this id to a session or stream.
func (f *Forwarder) IsForeign(id string) bool {
	_, ok := f.foreignTag(id)
	return ok
}

// foreignTag returns the tag of an id that another node may have given to a session.
func (f *Forwarder) foreignTag(id string) (tag string, ok bool) {
	if len(id) != idSize || strings.ContainsFunc(id, func(c rune) bool { return !isBase64(c) }) {
		return "", false
	}
	tag = id[:TagSize]
	return tag, tag != f.o.Tag()
}

func isBase64(c rune) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// errBusy is the error of a request above Options.Max.
var errBusy = &busy{}

type busy struct{}

func (*busy) Error() string             { return "too many requests for other nodes" }
func (*busy) HTTPStatus() int           { return http.StatusServiceUnavailable }
func (*busy) RetryAfter() time.Duration { return busyRetry }

// Drain ends the upgraded connections evenly over the time that pace returns for their number, and
// calls Close. Requests that wait end by themselves: a poll ends with the next ping of its session.
func (f *Forwarder) Drain(ctx context.Context, pace func(connections int) time.Duration) {
	f.upgraded.Drain(ctx, pace)
	f.Close()
}

// Close ends the upgraded connections at once, and the reading of the list of nodes.
func (f *Forwarder) Close() {
	f.end()
	f.upgraded.Close()
	f.nodes.close()
	f.transport().CloseIdleConnections()
}
