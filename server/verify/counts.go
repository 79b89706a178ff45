package verify

import (
	"slices"
	"strings"
)

// count reports what the clients received.
func (r *run) count(clients []*listener, sent []int) {
	var lines []string
	before := r.report.Faults
	for _, l := range clients {
		c := tally(l, sent)
		r.report.Counts = append(r.report.Counts, c)
		lines = append(lines, l.transport)
		switch st := l.now(); {
		case c.Lost > 0 && st.encoding != "":
			r.compressed(st)
		case c.Lost > 0 && l.transport == eventSource && !st.connected && !st.ended:
			r.fault("buffering", "nothing arrives of a stream that resumes")
		case c.Lost > 0 && (!st.connected || st.ended):
			r.fault("reconnect", "%s did not come back after a cut: %v", l.transport, st.err)
		case c.Lost > 0 && st.cursor == "":
			r.note("%s got no ids: the server has no recovery (SOCKETIO_RECOVERY), so %d were missed",
				l.transport, c.Lost)
		case c.Lost > 0:
			r.fault("lost", "%s missed %d of %d notifications around a cut", l.transport, c.Lost,
				c.Published)
		}
		if c.Doubled > 0 {
			r.fault("doubled", "%s got %d of %d notifications twice", l.transport, c.Doubled,
				c.Published)
		}
		if c.Reordered > 0 {
			r.fault("reordered", "%s got %d of %d notifications out of order", l.transport, c.Reordered,
				c.Published)
		}
	}
	if r.report.Faults == before {
		r.ok("%d notifications around a cut: 0 lost, 0 doubled, 0 out of order on %s", len(sent),
			strings.Join(lines, ", "))
	}
}

// tally counts what a client received of what was acknowledged.
func tally(l *listener, sent []int) Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Count{Transport: l.transport, Published: len(sent), Lost: len(missing(l.got, sent)),
		Reconnects: max(l.opens-1, 0)}
	seen, last := map[int]bool{}, 0
	for _, g := range l.got {
		switch {
		case !slices.Contains(sent, g.n): // not acknowledged, or of another check
		case seen[g.n]:
			c.Doubled++
		default:
			if g.n < last {
				c.Reordered++
			}
			last = max(last, g.n)
			seen[g.n] = true
			c.Received++
		}
	}
	return c
}
