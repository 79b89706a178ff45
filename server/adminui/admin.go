package adminui

import (
	"errors"
	"time"

	"github.com/roomcast/roomcast/server/socketio"
)

// admin is a client that has logged in.
type admin struct {
	ui    *ui
	conn  *socketio.Conn
	entry *entry
	left  chan struct{} // closed when the client has left the namespace
	hurry chan struct{} // a report is due at once

	// Only run uses these.
	view    *view
	before  totals
	statsAt time.Time
}

func newAdmin(u *ui, c *socketio.Conn, e *entry) *admin {
	return &admin{
		ui: u, conn: c, entry: e, left: make(chan struct{}), hurry: make(chan struct{}, 1),
		view: newView(u, c.Tell), before: u.totals(),
	}
}

// run reports to the admin until it leaves.
func (a *admin) run() {
	interval := a.ui.o.bounds.interval
	for {
		wait := interval
		switch err := a.report(); {
		case errors.Is(err, socketio.ErrClosed):
			return
		case err != nil: // the client reads: the rest follows
			wait = interval / 10
		}
		timer := time.NewTimer(wait)
		select {
		case <-a.left:
		case <-a.conn.Context().Done():
		case <-a.hurry:
			timer.Stop()
			continue
		case <-timer.C:
			continue
		}
		timer.Stop()
		return
	}
}

// report tells the admin what is new. After ErrBusy the rest is told by a later report.
func (a *admin) report() error {
	if time.Since(a.statsAt) >= a.ui.o.bounds.interval {
		stats, totals := a.ui.stats(a.before)
		if err := a.conn.Tell("server_stats", stats); err != nil {
			return err
		}
		a.before, a.statsAt = totals, time.Now()
	}
	return a.view.report()
}

// soon makes the next report due, after the admin has changed something.
func (a *admin) soon() {
	select {
	case a.hurry <- struct{}{}:
	default: // it is due already
	}
}
