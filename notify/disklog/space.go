package disklog

import (
	"fmt"
	"sync"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// spaceInterval is how long the result of a check holds.
const spaceInterval = 100 * time.Millisecond

// space checks that the file system has room. A write that fails for the lack of it would end the
// process.
type space struct {
	o Options

	mu     sync.Mutex
	at     time.Time
	result error
}

// check returns an error that wraps notify.ErrUnavailable when there is too little space.
func (s *space) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if d := now.Sub(s.at); d >= 0 && d < spaceInterval {
		return s.result
	}
	s.at = now
	usage, err := s.o.fs.GetDiskUsage(s.o.Dir)
	switch {
	case err != nil: // some file systems do not say
		s.result = nil
	case usage.AvailBytes < s.o.MinFree:
		s.result = fmt.Errorf("%w: the disk has %d bytes left, fewer than %d",
			notify.ErrUnavailable, usage.AvailBytes, s.o.MinFree)
	default:
		s.result = nil
	}
	return s.result
}
