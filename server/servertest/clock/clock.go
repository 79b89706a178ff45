// Package clock sets the clock for tests.
package clock

import (
	"time"
	"unsafe"
)

// Jump returns t as time.Now would return it after somebody has set the clock of the machine by d:
// the wall clock jumps, and the monotonic reading does not. t must be of time.Now. A test cannot set
// the real clock, and no function of package time separates the two.
func Jump(t time.Time, d time.Duration) time.Time {
	// The first word of a Time with a monotonic reading has the seconds above 30 bits of
	// nanoseconds, so whole seconds add to it. TestJump fails if that changes.
	*(*uint64)(unsafe.Pointer(&t)) += uint64(d/time.Second) << 30
	return t
}
