package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// expiryNotice is how long before the end of its token a client gets auth:expiring.
const expiryNotice = 30 * time.Second

// sweep does the work that no packet starts: heartbeats, and the end of idle connections, expired
// tokens and packets without their attachments. One goroutine does it for all connections, so that
// an idle connection needs no timer.
func (s *Server) sweep(ctx context.Context) {
	interval := max(s.opts.ConnectTimeout/4, 10*time.Millisecond)
	interval = min(interval, time.Second, s.opts.SweepInterval)
	if s.opts.Heartbeat > 0 {
		interval = min(interval, s.opts.Heartbeat)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var idleAt time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			idle := !now.Before(idleAt)
			if idle {
				idleAt = now.Add(s.opts.SweepInterval)
			}
			for _, c := range s.clients.all() {
				c.sweep(now, idle)
			}
		}
	}
}

func (c *client) sweep(now time.Time, idle bool) {
	inactive := c.srv.opts.InactiveTimeout
	switch {
	case c.assembling.overdue(now):
		c.end("attachments did not arrive in time")
		return
	case idle && inactive > 0 && now.Sub(c.session.LastReceived()) > inactive:
		c.end("no byte from the client") // no DISCONNECT, so that the client reconnects
		return
	}
	c.noteTransport()
	c.mu.Lock()
	conns, backlog := slices.Clone(c.conns), len(c.replies.items)
	silent := len(conns) == 0 && now.Sub(c.alone) > c.srv.opts.ConnectTimeout
	c.mu.Unlock()
	if silent {
		if backlog == 0 { // else it waits for the answers to its CONNECTs, which refuse it
			c.abort("no CONNECT in time")
		} else {
			c.end("no CONNECT in time")
		}
		return
	}
	for _, conn := range conns {
		if !conn.checkToken(now) {
			return
		}
		if conn.namespace == notify.RootNamespace && backlog == 0 { // the client reads its replies
			conn.heartbeat(now)
		}
	}
}

// checkToken sends auth:expiring before the client's token ends, and closes the transport when it
// has ended, unless a connect hook lets the client stay. It reports whether the connection stays open.
func (c *Conn) checkToken(now time.Time) bool {
	identity := c.Identity()
	end := identity.ExpiresAt
	if end.IsZero() {
		return true
	}
	if c.renewed.Swap(false) {
		c.warned, c.askAgain = false, 0
	}
	switch {
	case identity.Expired(now) && identity.CanRenew() && now.Sub(end) < auth.RenewGrace:
		c.askHook(now)
	case identity.Expired(now):
		c.expire(end)
		return false
	case !c.warned && end.Sub(now) <= expiryNotice:
		c.warned = true
		c.sendExpiry("auth:expiring", end)
	}
	return true
}

// askHook asks the connect hook again about a client whose identity has ended, at most once at a
// time. If the hook is not available, the sweep asks again later.
func (c *Conn) askHook(now time.Time) {
	if now.UnixNano() < c.askAgain || c.asking.Swap(true) {
		return
	}
	c.askAgain = now.Add(auth.RenewRetry).UnixNano()
	current := c.identity.Load()
	c.client.srv.opts.Auth.Renew(c.Context(), *current, func(next auth.Identity, err error) {
		defer c.asking.Store(false)
		switch {
		case c.hasEnded() || c.identity.Load() != current:
		case errors.Is(err, auth.ErrHookUnavailable):
		case err != nil:
			c.expire(current.ExpiresAt)
		default:
			c.take(next)
			c.client.later(c.tellRenewed)
		}
	})
}

// tellRenewed calls the applications that are Renewers.
func (c *Conn) tellRenewed() {
	for i, app := range c.client.srv.apps {
		if renewer, ok := app.App.(Renewer); ok && c.apps&(1<<i) != 0 {
			renewer.Renewed(c)
		}
	}
}

// expire closes the transport of a client whose identity has ended. The client gets no notification
// after that.
func (c *Conn) expire(end time.Time) {
	c.detach()
	c.sendExpiry("auth:expired", end)
	c.client.end("token expired")
}

func (c *Conn) sendExpiry(event string, end time.Time) {
	c.control(event, struct {
		Type      string `json:"type"`
		ExpiresAt string `json:"expiresAt"`
	}{event, notify.Timestamp(end)})
}

// heartbeat sends a heartbeat event if one is due.
func (c *Conn) heartbeat(now time.Time) {
	client, every := c.client, c.client.srv.opts.Heartbeat
	if every <= 0 || client.srv.opts.Plain || now.Before(client.nextBeat) || !c.isOpen() {
		return
	}
	for !now.Before(client.nextBeat) {
		client.nextBeat = client.nextBeat.Add(every)
	}
	client.send(c.eventReply("heartbeat", heartbeatEvent{
		Type: "heartbeat", Timestamp: notify.Timestamp(now),
		TotalConnections: client.srv.hub.Total(),
	}))
}
