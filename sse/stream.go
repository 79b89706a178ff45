package sse

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/notify"
)

// expiryWarning is how long before its token's end a stream is told.
const expiryWarning = 30 * time.Second

// ending is why the server ends a stream.
type ending struct {
	ordered bool   // by the API or a limit: the client is told not to come back
	reason  string // made for the client when ordered
}

// stream is one response. It belongs to the request's goroutine; stop, take, awake and who are all that others call, and
// what newStream sets is never changed.
type stream struct {
	h        *Handler
	identity auth.Identity                 // at the start
	renewed  atomic.Pointer[auth.Identity] // by a new token; nil: none came
	clientID string
	names    names
	out      output
	resume   *notify.Cursor // nil: from now
	member   *notify.Member

	wake  chan struct{} // of capacity 1
	ended chan struct{} // closed by stop, after ending is set
	once  sync.Once
	how   ending

	rest          *batch // pulled and not yet written; nil most of the time
	nextHeartbeat time.Time
	nextSync      time.Time
	warned        time.Time     // the end of the token that it was warned of
	retry         time.Duration // what the client was told to wait before it comes back
	pace          pace          // of its messages, for any goroutine
}

func newStream(h *Handler, w http.ResponseWriter, r *http.Request, identity auth.Identity, n names) *stream {
	s := &stream{
		h: h, identity: identity, names: n, clientID: newClientID(),
		out:   output{w: w, rc: http.NewResponseController(w), timeout: h.o.WriteTimeout, lift: r.ProtoMajor >= 2},
		wake:  make(chan struct{}, 1),
		ended: make(chan struct{}),
	}
	s.out.last.Store(time.Now().UnixNano())
	return s
}

// stop ends the stream from any goroutine, without waiting for it. The first reason counts.
func (s *stream) stop(how ending) {
	s.once.Do(func() {
		s.how = how
		close(s.ended)
	})
}

// run writes until the client goes, the server ends the stream or a write fails. It returns why, for the log.
func (s *stream) run(ctx context.Context, denied []string) (why string) {
	defer func() { s.rest.free() }()
	if err := s.begin(denied); err != nil {
		return s.failed(err)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return "client went away"
		case <-s.ended:
			return s.finish()
		default:
		}
		now := time.Now()
		if s.who().Expired(now) {
			_ = s.out.write(s.names.appendControl(nil, "", "auth:expired", control{Type: "auth:expired"}))
			return "token expired"
		}
		more, err := s.turn(now)
		if err != nil {
			return s.failed(err)
		}
		if more {
			continue
		}
		timer.Reset(time.Until(s.nextDue()))
		select {
		case <-ctx.Done():
		case <-s.ended:
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// begin writes the headers, `connected` and the start of a replay at once. The first deliveries are looked at before
// `connected` is written because a gap stands in front of all others: recovered must not promise too much.
func (s *stream) begin(denied []string) error {
	id := s.member.Cursor().String()
	switch {
	case s.resume == nil || s.resume.All:
	case s.resume.Invalid || s.resume.ID.IsZero():
		id = "" // the gap that follows carries the new cursor
	default:
		id = s.resume.ID.String() // not further, or a cut right here would skip the replay
	}
	s.rest = batches.Get().(*batch)
	s.rest.pull(s.member)
	now := time.Now()
	s.retry = newRetry()
	s.h.o.Log.Debug("stream opened", zap.String("client", s.clientID), zap.Duration("retry", s.retry))
	s.rest.buf = appendRetry(s.rest.buf, s.retry)
	s.rest.buf = s.names.appendControl(s.rest.buf, id, "connected", connected{
		Type: "connected", ClientID: s.clientID, SocketID: s.clientID, UserID: s.identity.UserID, Username: s.identity.Username,
		Timestamp: timestamp(now), TotalConnections: s.h.o.Hub.Total(), Recovered: s.recovered(),
		Transport: transport, Denied: denied,
	})
	setHeaders(s.out.w.Header())
	s.nextHeartbeat, s.nextSync = after(now, s.h.o.Heartbeat), after(now, s.h.o.Sync)
	_, err := s.turn(now)
	return err
}

// recovered reports whether the client came with a cursor and nothing after it is missing.
func (s *stream) recovered() bool {
	if s.resume == nil || s.resume.All {
		return false
	}
	first := s.rest.first()
	return first.Gap == nil && (first.Recovery == nil || first.Recovery.Recovered)
}

// turn writes one batch: what the member has pending, as much as fits, and the control events that are due. more tells
// that the next turn has something to write already.
func (s *stream) turn(now time.Time) (more bool, err error) {
	b := s.rest
	if b == nil {
		b = batches.Get().(*batch)
	}
	before := len(b.buf)
	more = b.pack(s.member, s.names, s.h.o.Log)
	if len(b.buf) > before {
		s.nextSync = after(now, s.h.o.Sync)
	}
	if expires := s.who().ExpiresAt; !expires.IsZero() && !s.warned.Equal(expires) && !now.Before(expires.Add(-expiryWarning)) {
		s.warned = expires
		b.buf = s.names.appendControl(b.buf, "", "auth:expiring", control{Type: "auth:expiring", ExpiresAt: timestamp(expires)})
	}
	if due(now, s.nextHeartbeat) {
		b.buf = append(b.buf, heartbeatComment...)
		s.nextHeartbeat = after(now, s.h.o.Heartbeat)
	}
	if !more && due(now, s.nextSync) {
		b.buf = s.names.appendSync(b.buf, s.member.Cursor())
		s.nextSync = after(now, s.h.o.Sync)
	}
	if len(b.buf) > 0 {
		if err = s.out.write(b.buf); err == nil && s.h.o.Written != nil {
			s.h.o.Written(len(b.buf), b.since)
		}
	}
	if b.done() {
		s.rest = nil
		b.free()
	} else {
		s.rest = b
		b.buf, b.since = b.buf[:0], time.Time{}
	}
	return more, err
}

// finish ends the stream in good order: what was published before the order to end still goes out, as far as one
// batch holds it. The rest is not skipped: the client's cursor stands before it.
func (s *stream) finish() (why string) {
	if s.how.ordered {
		s.member.Void()
	}
	_, err := s.turn(time.Now())
	if err == nil && s.how.ordered {
		s.retry = neverRetry
		err = s.out.write(s.names.appendControl(appendRetry(nil, s.retry), "", "disconnected", control{Type: "disconnected", Reason: s.how.reason}))
	}
	if err != nil {
		return s.failed(err)
	}
	return s.how.reason
}

func (s *stream) failed(err error) string {
	s.h.o.Log.Debug("write to a stream failed", zap.String("client", s.clientID), zap.Error(err))
	return "write failed"
}

// nextDue is when the stream has to do something even if nothing happens.
func (s *stream) nextDue() time.Time {
	next := time.Now().Add(time.Hour)
	expires := s.who().ExpiresAt
	if !expires.IsZero() && !s.warned.Equal(expires) {
		expires = expires.Add(-expiryWarning)
	}
	for _, t := range []time.Time{s.nextHeartbeat, s.nextSync, expires} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}

// after returns when something that happens every d is due again; zero, for never, when d is negative.
func after(now time.Time, d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return now.Add(d)
}

func due(now, t time.Time) bool { return !t.IsZero() && !now.Before(t) }

// output is the writing side of a response.
type output struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	lift    bool         // lift the deadline after each write: over HTTP/2 it would reset an idle stream too
	last    atomic.Int64 // the last successful write, Unix nanoseconds
}

// write writes and flushes p within the timeout.
func (o *output) write(p []byte) error {
	// A writer that knows no deadlines (a test recorder) cannot block either.
	_ = o.rc.SetWriteDeadline(time.Now().Add(o.timeout))
	if _, err := o.w.Write(p); err != nil {
		return err
	}
	if err := o.rc.Flush(); err != nil {
		return err
	}
	if o.lift {
		_ = o.rc.SetWriteDeadline(time.Time{})
	}
	o.last.Store(time.Now().UnixNano())
	return nil
}
