package verify

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// idle keeps a client on each transport without traffic of its own, and sees whether a proxy closes
// it. A connection that is closed is looked at a second time, because servers restart.
func (r *run) idle(ctx context.Context) {
	r.begin("idle")
	if r.o.Idle <= 0 {
		r.skip("not checked: --idle is 0")
		return
	}
	clients := r.connected(ctx, r.working())
	defer leaveAll(ctx, clients)
	if len(clients) == 0 {
		r.skip("no transport works")
		return
	}
	first := r.hold(ctx, clients, r.o.Idle)
	if len(first) == 0 {
		r.held(ctx, clients)
		return
	}
	longest := time.Duration(0)
	for l, life := range first {
		longest = max(longest, life)
		l.close()
		l.open(ctx)
	}
	again := r.hold(ctx, clients, 2*longest+r.patience())
	var cuts []string
	for _, l := range clients {
		life, cut := first[l]
		second, twice := again[l]
		switch {
		case twice && cut:
			st := l.now()
			silent := max(st.over.Sub(st.heard), 0).Round(100 * time.Millisecond)
			cuts = append(cuts, fmt.Sprintf("%s after %s, and again after %s, %s after the last "+
				"byte, although the server writes at least every %s",
				l.transport, life, second, silent, r.pace(l)))
		case cut:
			r.note("%s was cut after %s, and not a second time", l.transport, life)
		}
	}
	if len(cuts) > 0 {
		r.fault("idle", "connections are cut: %s", strings.Join(cuts, "; "))
	}
}

// pace returns how often the server writes to a client that is idle.
func (r *run) pace(l *listener) string {
	if l.transport == eventSource {
		return "SSE_HEARTBEAT_INTERVAL (3 s by default)"
	}
	return l.now().ping.String() + " (SOCKETIO_PING_INTERVAL)"
}

// hold waits, and returns how long the connections lived that have ended.
func (r *run) hold(
	ctx context.Context, clients []*listener, d time.Duration,
) map[*listener]time.Duration {
	lives := map[*listener]time.Duration{}
	end := time.Now().Add(d)
	for _, l := range clients {
		if l.until(ctx, time.Until(end), func() bool { return l.ended }) && ctx.Err() == nil {
			st := l.now()
			lives[l] = st.over.Sub(st.opened).Round(100 * time.Millisecond)
		}
	}
	return lives
}

// held reports connections that stayed, and what was too short to be seen.
func (r *run) held(ctx context.Context, clients []*listener) {
	if ctx.Err() != nil {
		return
	}
	ping := time.Duration(0)
	for _, l := range clients {
		ping = max(ping, l.now().ping)
	}
	if ping > r.o.Idle {
		r.ok("idle connections stay open for %s; --idle %s would also find proxies that close them "+
			"before the ping after %s", r.o.Idle, (ping + 5*time.Second).Round(time.Second), ping)
		return
	}
	r.ok("idle connections stay open for %s", r.o.Idle)
}
