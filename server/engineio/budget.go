package engineio

import (
	"sync"
	"sync/atomic"
	"time"
)

// What input costs in addition to its bytes. Small frames and packets cost the server time, not
// memory, so the sums are what a client can send in the time of so many bytes.
const (
	perFrame   = 512      // of each WebSocket frame, and of each packet of a POST
	perMessage = 2 << 10  // of each WebSocket message and control frame, besides its frames
	perRequest = 16 << 10 // of each request of a polling session
	perUpgrade = 64 << 10 // of each upgrade
)

const (
	budgetTime = 8 * time.Second       // of the rate, to spend at once
	minBudget  = 1 << 20               // bytes to spend at once with a low rate
	budgetRest = 20 * time.Millisecond // of the rate, to wait for: a pause is not shorter
	overLimit  = 8 * time.Second       // over the rate: the session ends
)

// errOver ends a session that was over its rate for too long.
var errOver = violation{reason: ReasonTransportError, code: closePolicy}

// budget limits what a client sends, in bytes. It is filled when it is empty, and not before: a
// session within its rate needs no clock for its frames.
type budget struct {
	left   atomic.Int64
	useful atomic.Int64 // bytes of messages since the time of over

	mu     sync.Mutex
	filled time.Time
	over   time.Time // the client sends more than the rate since then; zero: it does not

	second time.Time // in which strays were counted
	strays int
}

func (s *Session) startBudget() {
	s.budget.left.Store(s.maxBudget())
	s.budget.filled = time.Now()
}

func (s *Session) maxBudget() int64 {
	o := &s.server.o
	return max(minBudget, int64(o.MaxPayload), int64(o.ReceiveRate)*int64(budgetTime/time.Second))
}

// spend takes the cost of input from the budget. Over the rate it waits: nothing behind the input is
// read, so the client's connection holds the client back. over reports that the client has been
// over the rate for overLimit. The error is errOver if the session has closed, or if the cost is
// more than the rate allows in overLimit.
func (s *Session) spend(cost int) (over bool, err error) {
	if s.server.o.ReceiveRate <= 0 || s.budget.left.Add(-int64(cost)) >= 0 {
		return false, nil
	}
	wait, over := s.fillBudget(time.Now())
	if wait > overLimit || !s.pause(wait, nil) {
		return over, errOver
	}
	return over, nil
}

// pace is spend for a request that the client can only repeat when the server has something for it.
// It waits for at most a second, and until gone is closed.
func (s *Session) pace(cost int, gone <-chan struct{}) {
	if s.server.o.ReceiveRate > 0 && s.budget.left.Add(-int64(cost)) < 0 {
		wait, _ := s.fillBudget(time.Now())
		s.pause(min(wait, time.Second), gone)
	}
}

// fillBudget adds what the rate allows since the last time. It returns how long the client must
// wait, and whether it has been over the rate for overLimit. A client whose bytes are mostly
// messages never is: large messages wait for their turn.
func (s *Session) fillBudget(now time.Time) (wait time.Duration, over bool) {
	b, rate, most := &s.budget, int64(s.server.o.ReceiveRate), s.maxBudget()
	b.mu.Lock()
	defer b.mu.Unlock()
	elapsed := min(now.Sub(b.filled), time.Minute)
	b.filled = now
	left := b.left.Add(int64(float64(rate) * elapsed.Seconds()))
	if left > most {
		left = b.left.Add(most - left)
	}
	switch {
	case left >= most/2:
		b.over = time.Time{}
	case b.over.IsZero():
		b.over = now
		b.useful.Store(0)
	}
	rest := int64(float64(rate) * budgetRest.Seconds())
	if left < rest {
		wait = time.Duration(float64(rest-left) / float64(rate) * float64(time.Second))
	}
	if since := now.Sub(b.over); !b.over.IsZero() && since >= overLimit {
		over = float64(b.useful.Load()) < float64(rate)*since.Seconds()/2
	}
	return wait, over
}

// pause waits. It returns false if the session has closed.
func (s *Session) pause(wait time.Duration, gone <-chan struct{}) bool {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-gone:
		case <-s.ctx.Done():
		}
	}
	return s.ctx.Err() == nil
}

// Refund gives back what n messages cost beyond their bytes. The handler calls it for messages that
// the server has asked for: the number of these is the server's decision.
func (s *Session) Refund(n int) {
	if s.server.o.ReceiveRate <= 0 {
		return
	}
	each := perFrame
	if s.Transport() == WebSocket {
		each += perMessage
	}
	s.budget.left.Add(int64(n * each))
}

// stray limits the rate of input that is neither a message nor an answer.
func (s *Session) stray() error {
	b := &s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.second) >= time.Second {
		b.second, b.strays = now, 0
	}
	if b.strays++; b.strays > maxStrays {
		return errOver
	}
	return nil
}
