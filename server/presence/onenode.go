package presence

import (
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
)

const (
	// keepTime is more than the time until the others know that a node was killed.
	keepTime = 20 * time.Second
	// maxKept bounds the changes of keepTime. Above it the oldest are left out.
	maxKept = 10_000
)

// OneNode returns a function for NewTracker that passes changes to f on one node of the cluster. The
// other nodes keep the changes of the last 20 seconds: one that takes over passes those on that the
// node before it has not, because it has ended. Some can come twice then.
func OneNode(hub *notify.Hub, f func(Change)) func(Change) {
	o := &oneNode{f: f}
	hub.WatchLead(o.lead)
	return o.changed
}

type oneNode struct {
	f func(Change)

	mu    sync.Mutex // held while f runs, so that changes are in order
	leads bool
	kept  []keptChange // oldest first; none while it leads
}

type keptChange struct {
	Change
	at time.Time
}

func (o *oneNode) changed(c Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leads {
		o.f(c)
		return
	}
	now := time.Now()
	old := 0
	for old < len(o.kept) && (now.Sub(o.kept[old].at) > keepTime || len(o.kept)-old >= maxKept) {
		old++
	}
	o.kept = append(o.kept[old:], keptChange{c, now})
}

// lead is for Hub.WatchLead.
func (o *oneNode) lead(leads bool, since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leads = leads
	if !leads {
		return
	}
	for _, c := range o.kept {
		if !c.at.Before(since) {
			o.f(c.Change)
		}
	}
	o.kept = nil
}
