package limit

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// newcomerShare and crowdShare are parts of a full bucket that newcomers leave for clients that
	// resume, and that one address leaves for others.
	newcomerShare, crowdShare = 0.25, 0.5
	// crowdMemory is how long an address leaves something for others after the last of them.
	crowdMemory = 10 * time.Second

	minReturn, maxReturn = time.Second, 5 * time.Second // see BusyError
)

// Gate lets handshakes pass at a rate, so that thousands of clients that come back at once, as after
// a restart, leave processor time for those that are connected and for backends. It is a token
// bucket with the handshakes of one second. Newcomers leave a quarter of it for clients that resume.
// An address from which most handshakes come leaves half of it while others come, too, so that a
// flood from one address does not shut the others out. It is safe for concurrent use.
type Gate struct {
	late func(now time.Time) bool // called with the lock held

	mu     sync.Mutex
	strict bool
	rate   float64 // handshakes per second; 0: all pass
	tokens float64
	behind float64 // about how many of the refused clients are not back yet
	at     time.Time
	crowd  crowd

	newcomers, resumes uint64 // refused
}

// NewGate returns a strict gate for a number of handshakes per second; 0 lets all pass. late says
// whether the process is late with its work, see [Lateness].
func NewGate(rate int, late func(now time.Time) bool) *Gate {
	g := &Gate{late: late}
	g.Set(rate, true)
	return g
}

// Set replaces the rate. When it is not strict, handshakes above it pass as long as the process is
// not late.
func (g *Gate) Set(rate int, strict bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rate, g.strict = float64(max(0, rate)), strict
	g.tokens, g.at = g.size(), time.Now()
}

// Enter takes the place of a handshake from an address, or returns a *BusyError. resumes tells that
// the client shows what it has got before.
func (g *Gate) Enter(ip netip.Addr, resumes bool) error {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rate == 0 {
		return nil
	}
	g.advance(now)
	refuses := g.late(now) || g.strict
	leaves := 0.0 // tokens
	if !resumes {
		leaves += newcomerShare * g.size()
	}
	if g.crowd.leads(Bucket(ip), int(g.rate), now) {
		leaves += crowdShare * g.size()
	}
	switch {
	case g.tokens >= leaves+1:
		g.tokens--
		return nil
	case !refuses:
		return nil
	}
	if resumes {
		g.resumes++
	} else {
		g.newcomers++
	}
	g.behind++
	return &BusyError{g.wait()}
}

// size is the number of tokens of a full bucket. A slow gate lets a few pass at once.
func (g *Gate) size() float64 { return max(8, g.rate) }

// advance adds the tokens since the last call, and takes as many clients for back. The caller holds
// the lock.
func (g *Gate) advance(now time.Time) {
	passed := max(0, now.Sub(g.at).Seconds()) * g.rate
	g.at = now
	g.tokens = min(g.size(), g.tokens+passed)
	g.behind = max(0, g.behind-passed)
}

// wait spreads the clients that are refused over the time that the rate needs for all of them. The
// caller holds the lock.
func (g *Gate) wait() time.Duration {
	expected := time.Duration(g.behind / g.rate * float64(time.Second))
	return minReturn + rand.N(min(expected, maxReturn-minReturn)+1)
}

// Refused returns how many handshakes were refused: those of newcomers, and those of clients that
// resume.
func (g *Gate) Refused() (newcomers, resumes uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.newcomers, g.resumes
}

// Rate returns the handshakes per second; 0 is no limit.
func (g *Gate) Rate() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.rate)
}

// crowd finds the address from which most handshakes come, with the algorithm of Boyer and Moore
// for a majority: it needs no table of addresses.
type crowd struct {
	ip     netip.Addr
	lead   int       // handshakes from ip, less those from others
	others time.Time // of the last handshake from another address
}

// leads counts a handshake from an address, and reports whether most handshakes come from it while
// others come, too. most bounds how long an address leads after its last handshake.
func (c *crowd) leads(ip netip.Addr, most int, now time.Time) bool {
	switch {
	case !ip.IsValid(): // a unix socket, of a proxy
		return false
	case ip == c.ip:
		c.lead = min(c.lead+1, most)
		return !c.others.IsZero() && now.Sub(c.others) < crowdMemory
	case c.lead == 0:
		c.ip, c.lead = ip, 1
		c.others = time.Time{}
	default:
		c.lead--
		c.others = now
	}
	return false
}

// BusyError is the error of a handshake above the rate of a Gate.
type BusyError struct{ wait time.Duration }

func (*BusyError) Error() string { return "Too many handshakes at once" }

// HTTPStatus returns 503.
func (*BusyError) HTTPStatus() int { return http.StatusServiceUnavailable }

// RetryAfter returns the time until the next attempt: 1 to 5 seconds, at random, so that the clients
// do not come back all at once.
func (e *BusyError) RetryAfter() time.Duration { return e.wait }

// Spread marks RetryAfter as random: nothing has to be added.
func (*BusyError) Spread() {}
