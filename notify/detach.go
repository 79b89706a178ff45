package notify

// exit removes a member from all of its rooms.
func (h *Hub) exit(m *Member) {
	for len(m.seat.Rooms()) > 0 {
		r := m.seat.Rooms()[0].Room
		r.Leave(&m.seat)
		h.left(m, r)
	}
}

// Detach removes the member from the Hub and keeps its sessions. Further calls do nothing. The
// transport can still pull the inbox, so that a client receives earlier messages before it is
// disconnected.
func (m *Member) Detach() {
	if m.detach() && m.h.detached != nil {
		m.h.detached(m)
	}
}

func (m *Member) detach() bool {
	h := m.h
	h.mu.Lock()
	defer h.unlock()
	if m.detached {
		return false
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
	return true
}
