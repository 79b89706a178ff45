package peers

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// seldom limits the lines about one thing to one a minute, with how often it was since the last one.
type seldom struct {
	told rate.Sometimes
	n    atomic.Int64
}

func (s *seldom) start() { s.told.Interval = time.Minute }

// tell counts n times, and calls line with all since the last line if it is time for one.
func (s *seldom) tell(n int, line func(n int64)) {
	s.n.Add(int64(n))
	s.told.Do(func() { line(s.n.Swap(0)) })
}
