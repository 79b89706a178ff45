package notify

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// ErrOverloaded is the error of a publish while Hub.Shed is on: the process has too little memory.
// The Hub sent nothing, and the publisher may try again after some seconds. It wraps
// ErrUnavailable.
var ErrOverloaded = fmt.Errorf("%w: the server has too little memory", ErrUnavailable)

// shed is whether the Hub refuses publishes, and how many it has refused.
type shed struct {
	on      atomic.Bool
	refused atomic.Uint64
}

// Shed makes all publishes fail with ErrOverloaded, until Shed(false). Members stay, and get what
// was published before.
func (h *Hub) Shed(on bool) { h.shed.on.Store(on) }

// Overloaded returns the error of a publish while Shed is on, else nil. A caller that has not read
// a notification yet can refuse it early. Each error counts as a refused publish.
func (h *Hub) Overloaded() error {
	if !h.shed.on.Load() {
		return nil
	}
	h.shed.refused.Add(1)
	return ErrOverloaded
}

// Shedding returns how many publishes Shed has refused since the start.
func (h *Hub) Shedding() (refused uint64) { return h.shed.refused.Load() }

// catchUpTime is the time that a member that resumes has to read what it missed, before it counts
// as one that lags.
const catchUpTime = 10 * time.Second

// Laggards returns the members that lag, at most most of them: those first that have read nothing
// for the longest time, because what they have read last is the oldest. It leaves out members that
// were dropped, and those that were attached with a cursor in the last ten seconds.
func (h *Hub) Laggards(most int) []*Member {
	type laggard struct {
		m  *Member
		at ID
	}
	var all []laggard
	now := h.o.Now()
	for _, m := range h.Members() {
		if at, lags := m.lagsAt(); lags && (!m.resumed || now.Sub(m.at) >= catchUpTime) {
			all = append(all, laggard{m, at})
		}
	}
	slices.SortFunc(all, func(a, b laggard) int {
		if a.at.Epoch != b.at.Epoch {
			return cmp.Compare(a.m.at.UnixNano(), b.m.at.UnixNano())
		}
		return cmp.Compare(a.at.Seq, b.at.Seq)
	})
	members := make([]*Member, 0, min(most, len(all)))
	for _, l := range all[:min(most, len(all))] {
		members = append(members, l.m)
	}
	return members
}

// TrimHistory removes the oldest n messages from the history. A client that has missed one of them
// gets a gap.
func (h *Hub) TrimHistory(n int) {
	for ; n > 0; n -= sweepStep {
		h.mu.Lock()
		h.index.cut(min(n, sweepStep), h.o.Now())
		h.mu.Unlock()
	}
}

// lagsAt returns the cursor of a member that lags and was not dropped.
func (m *Member) lagsAt() (cursor ID, lags bool) {
	m.lock()
	defer m.h.mu.Unlock()
	return m.cursor, m.lagging && !m.dropped
}

// Drop asks the transport to cut the connection, as a failure of the network would: the client gets
// nothing more, may come back, and resumes. It does not block.
func (m *Member) Drop(reason string) {
	m.h.mu.Lock()
	m.dropped = true
	m.h.mu.Unlock()
	if m.a.Drop != nil {
		m.a.Drop(reason)
	}
}
