package socketio

import (
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// rates limits the events and CONNECTs of a client.
type rates struct {
	events   *rate.Limiter
	connects *rate.Limiter
	since    time.Time // the first refusal without a pause of abuseGrace since
	last     time.Time // the last refusal
	told     time.Time // the last error event for a refusal
}

const (
	abuseGrace = time.Second      // without a refusal: the client no longer exceeds its rate
	abuseLimit = 10 * time.Second // above the rate: the server closes the connection
)

// allow reports whether the client's rate allows a packet, and refuses the packet otherwise. It
// runs in the reader, because slow handlers would make a flood look slow.
func (c *client) allow(p *packet) bool {
	interval := c.srv.opts.RateInterval
	if interval <= 0 || p.kind == kindDisconnect { // needs a CONNECT before it
		return true
	}
	if c.rates == nil {
		limit, burst := rate.Every(interval), max(1, c.srv.opts.RateBurst)
		c.rates = &rates{
			events: rate.NewLimiter(limit, burst), connects: rate.NewLimiter(limit, burst),
		}
	}
	limiter := c.rates.events
	if !p.isEvent() {
		limiter = c.rates.connects // so that a page with many namespaces can still send events
	}
	if limiter.Allow() {
		return true
	}
	now := time.Now()
	if now.Sub(c.rates.last) > abuseGrace {
		c.rates.since = now
	}
	c.rates.last = now
	if now.Sub(c.rates.since) >= abuseLimit {
		c.end("too many events")
		return false
	}
	if !p.isEvent() {
		c.refuse(p.namespace, &auth.Error{
			Code: edge.CodeRateLimited, Message: "Rate limit exceeded",
			RetryAfter: max(interval, time.Second),
		})
		return false
	}
	c.refuseEvent(p, errorEvent{
		Code: edge.CodeRateLimited, Message: "Rate limit exceeded", RetryAfter: interval.Seconds(),
	}, now)
	return false
}

// refuseEvent sends the refusal of an event as its acknowledgement, and also as an error event, at
// most one a second.
func (c *client) refuseEvent(p *packet, refusal errorEvent, now time.Time) {
	c.srv.opts.Metrics.Refused(refusal.Code)
	conn := c.conn(p.namespace)
	if conn == nil {
		return
	}
	c.event(conn, p).Ack(errorReply{Error: refusal})
	if now.Sub(c.rates.told) >= time.Second {
		c.rates.told = now
		c.srv.log.Debug("events refused", zap.Strings("clients", clientsOf([]*Conn{conn})),
			zap.Duration("retry", c.srv.opts.RateInterval))
		c.send(conn.eventReply("error", refusal))
	}
}
