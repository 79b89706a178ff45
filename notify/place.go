package notify

import "sync/atomic"

// place is an ID that one goroutine at a time stores and any goroutine loads without a lock.
type place struct {
	turn  atomic.Uint32 // odd while an ID is stored
	epoch atomic.Uint32
	seq   atomic.Uint64
}

func (p *place) store(id ID) {
	p.turn.Add(1)
	p.epoch.Store(id.Epoch)
	p.seq.Store(id.Seq)
	p.turn.Add(1)
}

func (p *place) load() ID {
	for {
		turn := p.turn.Load()
		id := ID{p.epoch.Load(), p.seq.Load()}
		if turn%2 == 0 && p.turn.Load() == turn {
			return id
		}
	}
}
