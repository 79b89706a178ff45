package verify

import (
	"context"
	"net/http"
	"time"
)

const (
	skewNote  = 2 * time.Second
	skewFault = 20 * time.Second // tokens have a leeway of 30 s
)

// skew is how far a clock is ahead of this machine's, between two bounds, each from the server and
// from the Date header, which a proxy may write.
type skew struct{ server, proxy bounds }

type bounds struct {
	low, high time.Duration
	any       bool
}

// sample narrows the bounds by a time that was read between two moments of this machine. The reading
// is cut to its resolution.
func (b *bounds) sample(at, after, before time.Time, resolution time.Duration) {
	low, high := at.Sub(before), at.Add(resolution).Sub(after)
	if b.any {
		low, high = max(b.low, low), min(b.high, high)
	}
	b.low, b.high, b.any = low, high, true
}

// certain returns the least skew that explains all samples.
func (b *bounds) certain() time.Duration {
	switch {
	case b.any && b.low > 0:
		return b.low
	case b.any && b.high < 0:
		return b.high
	}
	return 0
}

// date takes a sample of the header Date of an answer to a request that was sent after a moment.
func (s *skew) date(a answer, after time.Time) {
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		s.proxy.sample(at, after, time.Now(), time.Second)
	}
}

// greet takes a sample of the event `connected`.
func (s *skew) greet(st state) {
	if !st.welcome.Timestamp.IsZero() {
		s.server.sample(st.welcome.Timestamp, st.opened, time.Now(), time.Millisecond)
	}
}

// serverNow returns the time of the server's clock.
func (s *skew) serverNow() time.Time {
	if s.server.any {
		return time.Now().Add(s.server.certain())
	}
	return time.Now().Add(s.proxy.certain())
}

// clocks compares the clocks.
func (r *run) clocks(context.Context) {
	r.begin("clock")
	clock, by := r.skew.server.certain(), "server's"
	if !r.skew.server.any {
		clock, by = r.skew.proxy.certain(), "proxy's"
	}
	direction := "ahead of"
	if clock < 0 {
		direction = "behind"
	}
	off := clock.Abs().Round(100 * time.Millisecond)
	switch {
	case !r.skew.server.any && !r.skew.proxy.any:
		r.skip("no answer had a time")
	case off >= skewFault:
		r.fault("clock", "the %s clock is at least %s %s this machine's; tokens have a leeway of 30 s",
			by, off, direction)
	case off >= skewNote:
		r.note("the %s clock is at least %s %s this machine's", by, off, direction)
	default:
		r.ok("the %s clock agrees with this machine's", by)
	}
}
