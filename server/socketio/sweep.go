package socketio

import (
	"context"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// expiryNotice is how long before its token ends a client is told.
const expiryNotice = 30 * time.Second

// sweep looks after what has no packet to hang on: heartbeats, idle connections,
// tokens that run out, attachments that never come. One goroutine does it for all
// connections, so an idle one costs no timer.
func (s *Server) sweep(ctx context.Context) {
	interval := min(time.Second, s.opts.SweepInterval)
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
			for _, l := range s.links.all() {
				l.sweep(now, idle)
			}
		}
	}
}

func (l *link) sweep(now time.Time, idle bool) {
	switch {
	case l.assembling.overdue(now):
		l.session.Close(reasonParse)
		return
	case idle && now.Sub(l.session.LastReceived()) > l.srv.opts.InactiveTimeout:
		l.end("no byte from the client") // no DISCONNECT: the client comes back after this
		return
	}
	l.noteTransport()
	l.mu.Lock()
	peers, backlog := l.peersLocked(), len(l.replies.items)
	l.mu.Unlock()
	for _, p := range peers {
		if !p.checkToken(now) {
			return
		}
		if p.namespace == notify.RootNamespace && backlog == 0 {
			p.heartbeat(now)
		}
	}
}

// checkToken tells a client that its token is about to end, and closes the
// transport when it has. It reports whether the connection goes on.
func (p *peer) checkToken(now time.Time) bool {
	identity := p.who()
	end := identity.ExpiresAt
	if end.IsZero() || p.hubMember() == nil {
		return true
	}
	expiry := struct {
		Type      string `json:"type"`
		ExpiresAt string `json:"expiresAt"`
	}{"auth:expiring", notify.Timestamp(end)}
	if p.renewed.again.Swap(false) {
		p.warned = false
	}
	switch {
	case identity.Expired(now):
		p.detach() // nothing reaches it after its time
		expiry.Type = "auth:expired"
		p.link.send(p.eventReply("auth:expired", expiry))
		p.link.end("token expired")
		return false
	case !p.warned && end.Sub(now) <= expiryNotice:
		p.warned = true
		p.link.send(p.eventReply("auth:expiring", expiry))
	}
	return true
}

// heartbeat is skipped for a client that has not read its earlier replies.
func (p *peer) heartbeat(now time.Time) {
	l, every := p.link, p.link.srv.opts.Heartbeat
	if every <= 0 || l.srv.opts.Plain || now.Before(l.nextBeat) || !p.isOpen() {
		return
	}
	for !now.Before(l.nextBeat) {
		l.nextBeat = l.nextBeat.Add(every)
	}
	l.send(p.eventReply("heartbeat", heartbeatEvent{
		Type: "heartbeat", Timestamp: notify.Timestamp(now), TotalConnections: l.srv.hub.Total(),
	}))
}

func (p *peer) isOpen() bool {
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	return p.open
}
