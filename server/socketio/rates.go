package socketio

import (
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/edge"
)

// rates are what a client may send.
type rates struct {
	events   *rate.Limiter
	connects *rate.Limiter
	// A client that keeps exceeding its rate is told from one that bursts.
	since, last, told time.Time
}

const (
	abuseGrace = time.Second      // this long without a refusal and the client is forgiven
	abuseLimit = 10 * time.Second // of abuse, then the transport is closed
)

// allow holds an event against the client's rate. It runs in the reader, so that
// slow handlers do not make a flood look slow.
func (c *client) allow(p *packet) bool {
	interval := c.srv.opts.RateInterval
	if interval <= 0 || p.kind == kindDisconnect { // there are no more of these than of CONNECTs
		return true
	}
	if c.rates == nil {
		limit, burst := rate.Every(interval), max(1, c.srv.opts.RateBurst)
		c.rates = &rates{events: rate.NewLimiter(limit, burst), connects: rate.NewLimiter(limit, burst)}
	}
	limiter := c.rates.events
	if !p.isEvent() {
		limiter = c.rates.connects // a bucket of its own, or a page with many namespaces could not send
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
		c.refuse(p.namespace, &auth.Error{Code: edge.CodeRateLimited, Message: "Rate limit exceeded", RetryAfter: max(interval, time.Second)})
		return false
	}
	c.refuseEvent(p, errorEvent{Code: edge.CodeRateLimited, Message: "Rate limit exceeded", RetryAfter: interval.Seconds()}, now)
	return false
}

// refuseEvent tells the client that an event was not handled, in its acknowledgement and once a second as an event: that
// tells as much as thousands would.
func (c *client) refuseEvent(p *packet, refusal errorEvent, now time.Time) {
	c.srv.opts.Metrics.Refused(refusal.Code)
	conn := c.conn(p.namespace)
	if conn == nil {
		return
	}
	c.event(conn, p).Ack(errorReply{Error: refusal})
	if now.Sub(c.rates.told) >= time.Second {
		c.rates.told = now
		c.srv.log.Debug("events refused", zap.Strings("clients", clientsOf([]*Conn{conn})), zap.Duration("retry", c.srv.opts.RateInterval))
		c.send(conn.eventReply("error", refusal))
	}
}
