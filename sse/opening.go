package sse

import (
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify"
)

// opening is the part of a stream's state that only its first write needs.
type opening struct {
	resume *notify.Cursor // nil: the stream starts now
	denied []string       // requested channels that the client may not join
}

// open writes the head, `connected` and the start of a replay with one write. It pulls before it
// encodes `connected`, because the first delivery shows whether there is a gap, and `recovered`
// must not be true then.
func (s *stream) open(o opening) (b *batch, next step, err error) {
	id := s.startID(o.resume)
	b = newBatch()
	b.pull(s.member)
	s.h.o.Log.Debug("stream opened", zap.String("client", s.clientID),
		zap.Duration("retry", s.retry))
	b.buf = appendRetry(b.buf, s.retry)
	b.buf = s.names.appendControl(b.buf, id, "connected", connected{
		Type: "connected", ClientID: s.clientID, SocketID: s.clientID, UserID: s.identity.UserID,
		Username:  s.identity.Username,
		Timestamp: timestamp(s.started), TotalConnections: s.h.o.Hub.Total(),
		Recovered: recovered(o.resume, b.first()),
		Transport: transport, Secret: s.h.secretOf(s.clientID), Denied: o.denied,
	})
	now := s.h.now()
	s.nextHeartbeat, s.nextSync = now.after(s.h.o.Heartbeat), now.after(s.h.o.Sync)
	next = s.fill(b, now)
	return b, next, s.out.write(s.out.frame(b), s.h.o.WriteTimeout)
}

// startID returns the id of `connected`. It must be called before the first pull.
func (s *stream) startID(resume *notify.Cursor) string {
	switch {
	case resume == nil || resume.All:
		return s.member.Cursor().String()
	case resume.Invalid || resume.ID.IsZero():
		return "" // the gap event after it has the new cursor
	}
	return resume.ID.String() // not the head: a client that loses it still gets the replay
}

// recovered reports whether the client has a cursor and nothing after the cursor is missing.
func recovered(resume *notify.Cursor, first notify.Delivery) bool {
	if resume == nil || resume.All {
		return false
	}
	return first.Gap == nil && (first.Recovery == nil || first.Recovery.Recovered)
}
