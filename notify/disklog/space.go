package disklog

import (
	"fmt"
	"math"
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

	mu   sync.Mutex
	at   time.Time
	left uint64 // bytes
}

// check returns an error that wraps notify.ErrUnavailable when there is less than Options.MinFree.
func (s *space) check() error { return s.has(s.o.MinFree) }

// has returns an error that wraps notify.ErrUnavailable when there is less space.
func (s *space) has(bytes uint64) error {
	if left := s.measure(); left < bytes {
		return fmt.Errorf("%w: the disk has %d bytes left, fewer than %d", notify.ErrUnavailable,
			left, bytes)
	}
	return nil
}

// measure returns how many bytes are left.
func (s *space) measure() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if d := now.Sub(s.at); d >= 0 && d < spaceInterval {
		return s.left
	}
	s.at, s.left = now, math.MaxUint64
	if usage, err := s.o.fs.GetDiskUsage(s.o.Dir); err == nil { // some file systems do not say
		s.left = usage.AvailBytes
	}
	return s.left
}
