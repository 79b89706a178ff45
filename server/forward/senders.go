package forward

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	maxSkew = 30 * time.Second // between the clocks of two nodes, and the age of a request
	// senderLife is how long a sender without requests is known. Its requests are too old then, by
	// either clock.
	senderLife = 2*maxSkew + time.Second
	maxSenders = 1024
)

var (
	errReplay  = errors.New("the request has been sent before")
	errSenders = errors.New("too many nodes forward requests")
)

// senders finds requests that are sent again. Only nodes add to it, because the signature of a
// request is checked first.
type senders struct {
	mu  sync.Mutex
	all map[string]*sender
}

// sender is a process that forwards requests.
type sender struct {
	seen   window
	latest time.Time
}

// admit returns an error for a request that was admitted before, or whose time is not now.
func (s *senders) admit(from stamp, now time.Time) error {
	if skew := now.Sub(from.at); skew > maxSkew || skew < -maxSkew {
		return fmt.Errorf("its time differs by %v: the clocks of the nodes must agree", skew)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.all[from.sender]
	if known == nil {
		if len(s.all) >= maxSenders {
			s.expire(now)
		}
		if len(s.all) >= maxSenders {
			return errSenders
		}
		known = new(sender)
		s.all[strings.Clone(from.sender)] = known
	}
	known.latest = now
	if !known.seen.add(from.count) {
		return errReplay
	}
	return nil
}

// expire removes senders that have ended. The caller holds mu.
func (s *senders) expire(now time.Time) {
	for id, known := range s.all {
		if now.Sub(known.latest) > senderLife {
			delete(s.all, id)
		}
	}
}

// windowSize is how many requests of a sender may overtake one that is on its way, for example while
// a connection opens.
const windowSize = 1 << 16

// window tells which numbers were added. It knows the windowSize numbers up to the highest (as RFC
// 4303, section 3.4.3); lower ones count as added.
type window struct {
	highest uint64
	bits    []uint64
}

// add reports whether n was not added before.
func (w *window) add(n uint64) bool {
	if w.bits == nil {
		w.bits = make([]uint64, windowSize/64)
		w.highest = n
	}
	switch {
	case n > w.highest:
		w.clear(w.highest+1, n)
		w.highest = n
	case w.highest-n >= windowSize:
		return false
	}
	word, bit := &w.bits[n%windowSize/64], uint64(1)<<(n%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// clear forgets the numbers of the window whose places the numbers from first to last take.
func (w *window) clear(first, last uint64) {
	if last-first >= windowSize-1 {
		clear(w.bits)
		return
	}
	for n := first; ; n++ {
		w.bits[n%windowSize/64] &^= 1 << (n % 64)
		if n == last {
			return
		}
	}
}
