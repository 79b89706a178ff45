package sse

// step says whether the writer continues after a batch.
type step struct {
	more bool // the member has more deliveries already
	last bool // the stream ends after this batch
}

// fill appends to b what the stream must write now: the deliveries of the member, as many as fit,
// and the control events that are due. Only the writer calls it.
func (s *stream) fill(b *batch, now instant) step {
	s.writer.Store(writing) // the pull below gets all that has woken the stream so far
	how := s.ending(now)
	switch {
	case how == nil:
	case how.gone:
		return step{last: true}
	case how.expired:
		b.buf = s.names.appendControl(b.buf, "", "auth:expired", control{Type: "auth:expired"})
		return step{last: true}
	case how.ordered:
		s.member.Void()
	}
	before := b.size()
	more := b.pack(s.member, s.names, s.h.o.Log)
	if b.size() > before {
		s.nextSync = now.after(s.h.o.Sync)
	}
	s.appendDue(b, now, more)
	if how == nil {
		return step{more: more}
	}
	if how.drained && (more || !s.left) {
		return s.leave(more)
	}
	// The stream still writes messages from before its end, as many as fit into one batch. The rest
	// is not lost: the client's cursor is before it.
	if how.ordered {
		event := control{Type: "disconnected", Reason: how.reason}
		b.buf = s.names.appendControl(appendRetry(b.buf, neverRetry), "", "disconnected", event)
	}
	return step{last: true}
}

// leave is the end of fill for a stream that a server ends whose log may end with it. The stream
// writes everything that was published, then leaves the Hub, which does not count it for later
// messages, and then writes those that arrived before it left.
func (s *stream) leave(more bool) step {
	if !more {
		s.left = s.member.DetachLive()
	}
	return step{more: true}
}

// ending returns why the stream ends, or nil while it runs.
func (s *stream) ending(now instant) *ending {
	if now.wall >= s.expires.Load() && !s.askHook(now) {
		s.how.CompareAndSwap(nil, &ending{reason: reasonToken, expired: true})
	}
	return s.how.Load()
}

// appendDue appends the control events that are due.
func (s *stream) appendDue(b *batch, now instant, more bool) {
	expires := s.expires.Load()
	if now.wall >= expires-int64(expiryWarning) && s.warned != expires {
		s.warned = expires
		event := control{Type: "auth:expiring", ExpiresAt: timestamp(wallTime(expires))}
		b.buf = s.names.appendControl(b.buf, "", "auth:expiring", event)
	}
	if now.mono >= s.nextHeartbeat {
		b.buf = append(b.buf, heartbeatComment...)
		s.nextHeartbeat = now.after(s.h.o.Heartbeat)
	}
	if !more && (s.asked.Swap(false) || now.mono >= s.nextSync) {
		b.buf = s.names.appendSync(b.buf, s.member.Cursor())
		s.nextSync = now.after(s.h.o.Sync)
	}
}

// scheduleNext makes the timer wake the stream when the next control event is due.
func (s *stream) scheduleNext(now instant) {
	next := min(s.nextHeartbeat, s.nextSync)
	if expires := s.expires.Load(); expires != never {
		if s.warned != expires {
			expires -= int64(expiryWarning)
		}
		next = min(next, now.mono+max(0, expires-now.wall))
	}
	if next < s.due.Load() {
		s.h.schedule(s, next)
	}
}
