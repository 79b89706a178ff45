package notify

// exit removes a member from all of its rooms.
func (h *Hub) exit(m *Member) {
	for len(m.seat.Rooms()) > 0 {
		r := m.seat.Rooms()[0].Room
		r.Leave(&m.seat)
		h.left(m, r)
	}
	delete(h.handouts, m)
}

// Detach removes the member from the Hub and keeps its sessions. Further calls do nothing. The
// transport can still pull the inbox, so that a client receives earlier messages before it is
// disconnected. A lagging member has none there, see DetachLive.
func (m *Member) Detach() { m.detach(true) }

// DetachLive is Detach for a server whose log ends with it. While the member lags it does nothing
// and returns false: the member has messages that only an attached one can pull. After it has
// returned true, the inbox has every message for which the Hub has counted the member.
func (m *Member) DetachLive() (detached bool) { return m.detach(false) }

// detach detaches the member, unless it lags and lagging is false.
func (m *Member) detach(lagging bool) (detached bool) {
	was, is := m.remove(lagging)
	if is && !was && m.h.detached != nil {
		m.h.detached(m)
	}
	return is
}

// remove is detach without the call of the observer. It returns whether the member was, and is,
// detached.
func (m *Member) remove(lagging bool) (was, is bool) {
	h := m.h
	m.lock()
	defer h.unlock()
	if m.detached {
		return true, true
	}
	if m.lagging && !lagging {
		return false, false
	}
	if m.lagging {
		h.lagging--
	}
	m.settle()
	h.keepSessions(m)
	m.detached = true
	m.left = m.rooms(func(string) bool { return true })
	m.lagging = false // the next connection reads the index
	h.exit(m)
	delete(h.members, memberKey{m.a.Namespace, m.a.ClientID})
	h.goOffline(m)
	return false, true
}
