package redisstream

import (
	"strings"
	"sync"
	"time"
)

// maxOtherFields and maxOtherBytes bound what a node keeps of all others together. What is above
// them is not counted.
const (
	maxOtherFields = 1 << 20
	maxOtherBytes  = 256 << 20
)

// others has the counts of the other nodes. Only Presence.listen changes them.
type others struct {
	mu       sync.RWMutex // guards the fields below
	peers    map[string]*peer
	sums     map[string]count
	watchers []watcher
	lead     lead
	scan     *scan // the hash that is being read; nil: none

	fields, bytes int // of all peers
}

// peer has the counts of one node.
type peer struct {
	version uint64 // 0: nothing is known
	fields  map[string]count
	met     time.Time
	spoke   time.Time // when the node said something
	heard   time.Time // the same, or when it could not be heard
	stale   bool      // the hash has to be read
	retry   time.Time // not before this time
}

type watcher struct {
	prefix string
	f      func(field, name string, known bool)
}

// crossing is a field whose sum has become 0, or is no longer 0.
type crossing struct{ field, name string }

func newOthers(uid string) others {
	return others{peers: map[string]*peer{}, sums: map[string]count{}, lead: lead{uid: uid, is: true}}
}

func (o *others) count(field string) int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.sums[field].n
}

// watch adds a watcher, which gets at once what there is.
func (o *others) watch(prefix string, f func(field, name string, known bool)) {
	w := watcher{prefix, f}
	var known []crossing
	o.mu.Lock()
	o.watchers = append(o.watchers, w)
	for field, sum := range o.sums {
		known = append(known, crossing{field, sum.name})
	}
	o.mu.Unlock()
	w.tell(known, true)
}

// changed elects, and tells the watchers what crosses, after each change of the peers.
func (o *others) changed(crossings []crossing, known bool, now time.Time) {
	o.elect(now)
	o.mu.RLock()
	watchers := o.watchers
	o.mu.RUnlock()
	for _, w := range watchers {
		w.tell(crossings, known)
	}
}

func (w watcher) tell(crossings []crossing, known bool) {
	for _, c := range crossings {
		if strings.HasPrefix(c.field, w.prefix) {
			w.f(c.field, c.name, known)
		}
	}
}

// meet adds a node whose hash has to be read.
func (o *others) meet(uid string, now time.Time) *peer {
	p := o.peers[uid]
	if p == nil && len(o.peers) < maxNodes {
		p = &peer{fields: map[string]count{}, met: now, spoke: now, heard: now, stale: true}
		o.peers[uid] = p
	}
	return p
}

// heard applies a message of another node.
func (o *others) heard(c change, now time.Time) (crossings []crossing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.Gone {
		return o.drop(c.UID)
	}
	p := o.meet(c.UID, now)
	if p == nil {
		return nil
	}
	p.spoke, p.heard = now, now
	switch {
	case o.scan != nil && o.scan.uid == c.UID:
		o.scan.hear(c)
	case c.Version == p.version+1 && p.version > 0:
		p.version = c.Version
		for field, text := range c.Set {
			if value, ok := parseCount(text); ok && hasForm(field) {
				crossings = o.put(p, field, value, crossings)
			}
		}
	case c.Version > p.version:
		p.stale = true
	}
	return crossings
}

// read applies the hash of another node.
func (o *others) read(s *scan, now time.Time) (crossings []crossing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.peers[s.uid]
	if p == nil {
		return nil
	}
	switch {
	case now.Sub(p.heard) >= presenceLife && s.version == 0:
		return o.drop(s.uid)
	case s.isWhole && s.version >= p.version:
		p.stale = false
	case p.version > 0: // the server has lost the hash, and the node writes it again
		return nil
	}
	p.version = s.version
	for field := range p.fields {
		if _, is := s.fields[field]; !is {
			crossings = o.put(p, field, count{}, crossings)
		}
	}
	for field, value := range s.fields {
		crossings = o.put(p, field, value, crossings)
	}
	return crossings
}

// isForeign reports whether a node that speaks has never had a hash. Channels belong to the whole server, so
// it is one of another database.
func (o *others) isForeign(s *scan) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	p := o.peers[s.uid]
	return p != nil && p.version == 0 && s.version == 0 && p.spoke.Sub(p.met) >= presenceLife
}

// put sets a count of a node and adds what crosses.
func (o *others) put(p *peer, field string, value count, crossings []crossing) []crossing {
	before, known := p.fields[field]
	was := 0
	if known {
		was = before.cost(field)
	}
	switch {
	case value.n == 0 && !known:
		return crossings
	case value.n == 0:
		delete(p.fields, field)
		o.fields--
		o.bytes -= was
	case !known && o.fields >= maxOtherFields, o.bytes+value.cost(field)-was > maxOtherBytes:
		return crossings
	default:
		if !known {
			o.fields++
		}
		p.fields[field] = value
		o.bytes += value.cost(field) - was
	}
	return o.add(field, value.n-before.n, value.name, crossings)
}

// add changes a sum.
func (o *others) add(field string, n int, name string, crossings []crossing) []crossing {
	sum := o.sums[field]
	was := sum.n
	sum.n += n
	if name != "" {
		sum.name = name
	}
	if sum.n > 0 {
		o.sums[field] = sum
	} else {
		delete(o.sums, field)
	}
	if was > 0 != (sum.n > 0) {
		crossings = append(crossings, crossing{field, sum.name})
	}
	return crossings
}

// drop removes a node.
func (o *others) drop(uid string) (crossings []crossing) {
	p := o.peers[uid]
	if p == nil {
		return nil
	}
	for field := range p.fields {
		crossings = o.put(p, field, count{}, crossings)
	}
	delete(o.peers, uid)
	o.lead.until = p.spoke
	return crossings
}

// reset notes that messages may have been missed until now: every hash has to be read, and no node
// is silent yet. It adds the nodes of uids.
func (o *others) reset(uids []string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, uid := range uids {
		o.meet(uid, now)
	}
	for _, p := range o.peers {
		p.heard, p.stale, p.retry = now, true, time.Time{}
	}
}

// due returns the nodes whose hash has to be read now: those that are stale, and those that are
// silent for too long. It is not due again before presenceRetry has passed.
func (o *others) due(now time.Time) (uids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for uid, p := range o.peers {
		if (p.stale || now.Sub(p.heard) >= presenceLife) && !now.Before(p.retry) {
			p.retry = now.Add(presenceRetry)
			uids = append(uids, uid)
		}
	}
	return uids
}
