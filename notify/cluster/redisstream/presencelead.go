package redisstream

import (
	"sync"
	"time"
)

const (
	// resignedField is a count of a node that ends soon: another one leads.
	resignedField = "n:resigned"
	// leadOverlap is more than the time from a change on one node until another one has handled it.
	leadOverlap = 2 * time.Second
)

// lead says whether this node leads. The lock of others guards it.
type lead struct {
	uid      string // of this node
	is       bool
	resigned bool
	until    time.Time // when a node has spoken last that has ended since elect; zero: none
	watchers []func(leads bool, since time.Time)

	telling sync.Mutex // held while the watchers are called; taken before the lock
}

func (o *others) leads() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.lead.is
}

func (o *others) watchLead(f func(leads bool, since time.Time)) {
	o.lead.telling.Lock()
	defer o.lead.telling.Unlock()
	o.mu.Lock()
	o.lead.watchers = append(o.lead.watchers, f)
	is := o.lead.is
	o.mu.Unlock()
	f(is, time.Time{})
}

func (o *others) resign(now time.Time) {
	o.mu.Lock()
	o.lead.resigned = true
	o.mu.Unlock()
	o.elect(now)
}

// elect calls the watchers if this node leads now and did not before, or the reverse.
func (o *others) elect(now time.Time) {
	o.lead.telling.Lock()
	defer o.lead.telling.Unlock()
	o.mu.Lock()
	was := o.lead.is
	o.lead.is = !o.lead.resigned && o.isFirst()
	is, watchers, until := o.lead.is, o.lead.watchers, o.lead.until
	o.lead.until = time.Time{}
	o.mu.Unlock()
	if is == was {
		return
	}
	if until.IsZero() { // the node that led has resigned
		until = now
	}
	for _, f := range watchers {
		f(is, until.Add(-leadOverlap))
	}
}

// isFirst reports whether all other nodes that have not resigned have a higher uid. The caller holds the
// lock.
func (o *others) isFirst() bool {
	for uid, p := range o.peers {
		if p.version > 0 && uid < o.lead.uid && p.fields[resignedField].n == 0 {
			return false
		}
	}
	return true
}
