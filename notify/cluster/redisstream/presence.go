package redisstream

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

const (
	// presenceLife is how long the counts of a node that says nothing are valid.
	presenceLife = 15 * time.Second
	// presenceRefresh is how often a node says something.
	presenceRefresh = 5 * time.Second
	// presenceDelay is how long changes are collected before they are sent.
	presenceDelay = 100 * time.Millisecond
)

// Presence is the notify.Presence of a node. A hash has the counts of each node and their version,
// and a message has each change. A node that misses a message reads the hash.
type Presence struct {
	b   *Bus
	uid string

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
	known   chan struct{} // closed when the counts of the others have been read
	ready   chan struct{} // closed after that, when the others can find this node
	full    atomic.Bool   // the log says so
	foreign atomic.Bool   // the log says that another cluster has the same channels

	resigned chan struct{} // closed when the others have been told that this node has resigned

	own    own
	others others
	page   page // of hashes; of the goroutine of listen
}

var _ notify.Presence = (*Presence)(nil)

// Presence shares the counts of the node. It does not wait for the server. The Presence has to be
// closed, before the Bus.
func (b *Bus) Presence() *Presence {
	p := &Presence{b: b, uid: b.Self().UID, known: make(chan struct{}), ready: make(chan struct{}),
		resigned: make(chan struct{}), own: newOwn(), others: newOthers(b.Self().UID), page: firstHashPage}
	p.life, p.end = context.WithCancel(b.life)
	p.running.Go(p.listen)
	p.running.Go(p.write)
	return p
}

// Ready implements notify.Presence.
func (p *Presence) Ready() <-chan struct{} { return p.ready }

// Set implements notify.Presence.
func (p *Presence) Set(field string, n int, name string) {
	if !p.own.set(field, n, name) && p.full.CompareAndSwap(false, true) {
		p.b.c.o.Log.Warn("this node has too many users and channels: the other nodes do not see all of "+
			"them", zap.Int("limit", maxFields))
	}
}

// Count implements notify.Presence.
func (p *Presence) Count(field string) int { return p.others.count(field) }

// Watch implements notify.Presence.
func (p *Presence) Watch(prefix string, f func(field, name string, known bool)) {
	p.others.watch(prefix, f)
}

// Leads implements notify.Presence: of the nodes that have not resigned, the one with the smallest uid
// does.
func (p *Presence) Leads() bool { return p.others.leads() }

// WatchLead implements notify.Presence.
func (p *Presence) WatchLead(f func(leads bool, since time.Time)) { p.others.watchLead(f) }

// Resign implements notify.Presence.
func (p *Presence) Resign(ctx context.Context) {
	p.own.set(resignedField, 1, "")
	select {
	case <-p.resigned:
	case <-ctx.Done():
	case <-p.life.Done():
	}
	p.others.resign(p.b.c.o.Now())
}

// Close removes the counts of the node. The others see it at once.
func (p *Presence) Close() {
	p.end()
	p.running.Wait()
	_ = p.leave() // else they expire
}

// presenceChannel is the channel of all changes.
const presenceChannel = "on"

func (p *Presence) key(uid string) string { return p.b.c.key("on:" + uid) }

// hasForm reports whether a field has a form that notify.Presence may have.
func hasForm(field string) bool {
	return len(field) <= maxField && strings.IndexByte(field, ':') == 1
}
