package verify

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// fillPart and fillParts are what is sent into a silent stream to find a buffer.
const (
	fillPart  = 16 << 10
	fillParts = 32
)

// transports connects a client on each transport, and says what stops those that cannot.
func (r *run) transports(ctx context.Context) {
	for _, transport := range transports {
		if ctx.Err() != nil {
			return
		}
		r.begin(transport)
		if !r.works[transport] {
			r.skip("its path does not work")
			continue
		}
		r.works[transport] = r.transport(ctx, transport)
	}
}

// transport reports whether a client connects.
func (r *run) transport(ctx context.Context, transport string) bool {
	start := time.Now()
	l := r.listener(transport)
	defer l.leave(ctx)
	for look := range 3 {
		l.close()
		l.open(ctx)
		l.until(ctx, time.Duration(look+1)*r.patience(), l.settled)
		st := l.now()
		if st.connected {
			r.skew.greet(st)
			return r.accepted(l, time.Since(start))
		}
		if ctx.Err() != nil || !isBusy(st.err) && look > 0 {
			break
		}
		if isBusy(st.err) {
			sleep(ctx, 2*time.Second)
		}
	}
	switch st := l.now(); {
	case ctx.Err() != nil:
	case isBusy(st.err):
		r.skip("%v", st.err)
	case st.encoding != "":
		r.compressed(st)
	case transport == eventSource && !st.ended:
		r.silent(ctx, l)
	case transport == webSocket:
		r.noSocket(st)
	default:
		r.refused(transport, st)
	}
	return false
}

// accepted looks at the first connection of a client.
func (r *run) accepted(l *listener, took time.Duration) bool {
	st := l.now()
	if st.encoding != "" {
		r.compressed(st)
	} else {
		r.ok("connected in %s", took.Round(time.Millisecond))
	}
	return true
}

func (r *run) compressed(st state) {
	r.fault("compression", "the stream has Content-Encoding: %s, and a compressor holds events back",
		st.encoding)
}

// noSocket says why there is no websocket.
func (r *run) noSocket(st state) {
	var refused *refusedError
	var connect *connectError
	switch {
	case errors.As(st.err, &connect):
		r.refused(webSocket, st)
	case errors.As(st.err, &refused) && refused.own && (engineCode(refused.body) == 3 ||
		refused.status == http.StatusUpgradeRequired):
		r.fault("upgrade", "the request arrives without Upgrade: websocket: the server answered %s",
			refused.answer)
	case errors.As(st.err, &refused) && refused.own:
		r.refused(webSocket, st)
	case errors.As(st.err, &refused):
		r.fault("upgrade", "the proxy does not upgrade: it answered %s", refused.answer)
	case !st.ended:
		r.fault("upgrade", "the handshake of the WebSocket gets no answer, twice, while other requests do")
	default:
		r.fault("upgrade", "the WebSocket ends before the first event, twice: %v", st.err)
	}
}

// refused reports a client that cannot connect.
func (r *run) refused(transport string, st state) {
	var refused *refusedError
	var connect *connectError
	switch {
	case isUnknownSession(st.err): // the next check looks closer
		r.note("the server did not know its own session")
	case errors.As(st.err, &refused) && !refused.own:
		r.fault("path", "the proxy does not pass %s on: it answered %s", transport, refused.answer)
	case errors.As(st.err, &refused), errors.As(st.err, &connect):
		r.skip("%v; give a --key-file or a --token that the server accepts", st.err)
	case !st.ended:
		r.fault("silence", "%s gets no answer, twice, while other requests do", transport)
	default:
		r.fault("silence", "%s ends before the first event, twice: %v", transport, st.err)
	}
}

// silent looks at a stream that the server has accepted, or has not: nothing of it arrives. It
// sends more until something does.
func (r *run) silent(ctx context.Context, l *listener) {
	waited := time.Since(l.now().opened).Round(100 * time.Millisecond)
	if a, err := r.position(ctx); err != nil || a.status != http.StatusOK {
		r.note("the stream is silent, and so is the server (%v)", err)
		return
	}
	if r.o.Key == "" || r.publish == nil {
		r.fault("buffering", "nothing of a stream arrives within %s, twice, while other requests are "+
			"answered at once", waited)
		return
	}
	sent := 0
	for range fillParts {
		if r.fill(ctx, fillPart) != nil {
			break
		}
		sent += fillPart
		if l.until(ctx, 200*time.Millisecond, l.settled) {
			break
		}
	}
	if l.until(ctx, r.patience(), l.settled) && l.now().connected {
		r.skew.greet(l.now())
		r.fault("buffering", "nothing of a stream arrived within %s; the first event came when %d KiB "+
			"more had been sent", waited, sent>>10)
		return
	}
	r.fault("buffering", "nothing of a stream arrives within %s, nor after %d KiB more: the proxy waits "+
		"for the end of the response", waited, sent>>10)
}

// working returns the transports that connect.
func (r *run) working() []string {
	return slices.DeleteFunc(slices.Clone(transports), func(t string) bool { return !r.works[t] })
}
