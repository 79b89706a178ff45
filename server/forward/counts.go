package forward

import "sync/atomic"

// counts counts requests by what became of them.
type counts struct{ answered, unknown, unreachable, busy, forged atomic.Uint64 }

// Counts returns how many requests wait for other nodes, upgraded connections included, and how many
// have ended, by outcome:
//
//	answered     the other node has answered
//	unknown      no node has the tag
//	unreachable  the node has the tag, and does not answer
//	busy         above Options.Max
//	forged       refused here, as not from a node
func (f *Forwarder) Counts() (open int, ended map[string]uint64) {
	f.slots.mu.Lock()
	open = f.slots.used
	f.slots.mu.Unlock()
	c := &f.counts
	return open, map[string]uint64{"answered": c.answered.Load(), "unknown": c.unknown.Load(),
		"unreachable": c.unreachable.Load(), "busy": c.busy.Load(), "forged": c.forged.Load()}
}
