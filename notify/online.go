package notify

// comeOnline counts the member for its user and its client id.
func (h *Hub) comeOnline(m *Member) {
	h.ids[m.a.ClientID]++
	h.carry(m, 1)
	if m.a.UserID == "" {
		return
	}
	u := h.users[m.a.UserID]
	if u == nil {
		u = &user{}
		h.users[m.a.UserID] = u
	}
	m.user = u
	u.refs++
	if m.a.Namespace == "/" {
		if u.online++; u.online == 1 {
			h.online++
		}
		h.shareUser(m)
	}
}

// goOffline reverses comeOnline.
func (h *Hub) goOffline(m *Member) {
	h.forgetID(m.a.ClientID)
	h.carry(m, -1)
	u := m.user
	if u == nil {
		return
	}
	if m.a.Namespace == "/" {
		if u.online--; u.online == 0 {
			h.online--
		}
		h.shareUser(m)
	}
	if u.refs--; u.refs == 0 {
		delete(h.users, m.a.UserID)
	}
}

// carry adds n to the number of members on the transport of m.
func (h *Hub) carry(m *Member, n int) {
	if m.a.Namespace != "/" {
		return
	}
	if h.carried[m.transport] += n; h.carried[m.transport] == 0 {
		delete(h.carried, m.transport)
	}
	h.shareTransport(m.transport)
}

func (h *Hub) forgetID(clientID string) {
	if h.ids[clientID]--; h.ids[clientID] <= 0 {
		delete(h.ids, clientID)
	}
}
