package socketio

import (
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/server/edge"
)

// rates limits what a client sends. All its buckets have the same rate and differ in their size: a
// page that connects all its namespaces, or joins all its rooms again, does so at once.
type rates struct {
	events, joins, connects *rate.Limiter // nil until the first packet of the kind

	behind  time.Time // since then packets over the rate have others behind them; zero: they do not
	over    time.Time // the last packet over the rate
	since   time.Time // the first refusal without a pause of abuseGrace since
	last    time.Time // the last refusal
	refused int       // messages and KiB that were refused since then
	told    time.Time // the last error event for a refusal
}

const (
	rateWait   = 2 * time.Second  // the longest wait of one packet over the rate
	abuseGrace = time.Second      // without a refusal: the client no longer exceeds its rate
	abuseLimit = 10 * time.Second // above the rate: waits end, then the connection
	maxRefused = 8192             // messages and KiB refused after waits: a burst is over
)

// allow reports whether the client's rate allows a packet. A packet over the rate waits here, in
// the reader: nothing behind it is read, so the client's own network connection holds it back, and
// the server holds nothing for it. A packet that would have to wait too long is refused, and so is
// each one over the rate from a client that has been ahead of it for abuseLimit: behind its packets
// there may be a pong or a DISCONNECT.
func (c *client) allow(p *packet) bool {
	if c.srv.opts.RateInterval <= 0 || p.kind == kindDisconnect { // needs a CONNECT before it
		return true
	}
	now := time.Now()
	r := c.limiter(p).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return true
	}
	if wait <= rateWait && c.mayWait(now) {
		return c.pause(wait)
	}
	r.CancelAt(now)
	c.refuseRate(p, now)
	return false
}

// limiter returns the bucket of a packet.
func (c *client) limiter(p *packet) *rate.Limiter {
	if c.rates == nil {
		c.rates = &rates{}
	}
	o := &c.srv.opts
	bucket, burst := &c.rates.events, o.RateBurst
	switch {
	case p.isAck():
	case !p.isEvent():
		bucket, burst = &c.rates.connects, max(burst, o.MaxNamespaces+1)
	case p.namespace == notify.RootNamespace && roomEvents[p.name] && o.builtins():
		bucket, burst = &c.rates.joins, max(burst, o.MaxRooms)
	}
	if *bucket == nil {
		*bucket = rate.NewLimiter(rate.Every(o.RateInterval), burst)
	}
	return *bucket
}

// mayWait notes a packet over the rate. It reports whether it may wait: not when packets of the
// client have waited for abuseLimit, with more behind them all the time. A client that waits for
// each answer before it sends the next event is never behind.
func (c *client) mayWait(now time.Time) bool {
	r := c.rates
	switch {
	case !c.session.Backlog():
		r.behind = time.Time{}
	case r.behind.IsZero() || now.Sub(r.over) > rateWait+abuseGrace:
		r.behind = now
	}
	r.over = now
	return !c.isBehind(now)
}

// isBehind reports whether packets of the client have waited for abuseLimit.
func (c *client) isBehind(now time.Time) bool {
	return !c.rates.behind.IsZero() && now.Sub(c.rates.behind) >= abuseLimit
}

// pause waits. It reports whether the session is still open.
func (c *client) pause(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.session.Context().Done():
		return false
	}
}

// refuseRate refuses a packet over the rate. It closes a client that has sent such packets for
// abuseLimit. One whose packets have waited for abuseLimit, and that does not catch up although
// thousands are refused, it closes at once.
func (c *client) refuseRate(p *packet, now time.Time) {
	interval := c.srv.opts.RateInterval
	if now.Sub(c.rates.last) > abuseGrace {
		c.rates.since, c.rates.refused = now, 0
	}
	c.rates.last = now
	c.rates.refused += 1 + len(p.parts) + p.size/1024
	switch {
	case now.Sub(c.rates.since) >= abuseLimit,
		c.rates.refused > maxRefused && c.isBehind(now):
		c.end("too many events")
	case p.isAck(): // nothing waits for an answer to it
	case p.isEvent():
		c.refuseEvent(p, errorEvent{
			Code: edge.CodeRateLimited, Message: "Rate limit exceeded",
			RetryAfter: interval.Seconds(),
		}, now)
	default:
		c.refuse(p.namespace, &auth.Error{
			Code: edge.CodeRateLimited, Message: "Rate limit exceeded",
			RetryAfter: max(interval, time.Second),
		})
	}
}

// refuseEvent sends an error event for a refusal, at most one a second. It sends no
// acknowledgement: socket.io-client with the option retries takes every acknowledgement for a
// success, and sends the event again when none comes.
func (c *client) refuseEvent(p *packet, refusal errorEvent, now time.Time) {
	c.srv.opts.Metrics.Refused(refusal.Code)
	conn := c.conn(p.namespace)
	if conn == nil || now.Sub(c.rates.told) < time.Second {
		return
	}
	c.rates.told = now
	c.srv.log.Debug("events refused", zap.Strings("clients", clientsOf([]*Conn{conn})),
		zap.Duration("retry", c.srv.opts.RateInterval))
	conn.control("error", refusal)
}
