package auth

// stock counts tickets of one kind against its maximums.
type stock struct{ tickets, memory, maxTickets, maxMemory int }

func (s *stock) isFull(more int) bool {
	return s.tickets >= s.maxTickets || s.memory+more > s.maxMemory
}

// Close makes the store issue no more tickets: the process that stores them is about to end. Those
// that were issued stay valid.
func (t *Tickets) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// admit returns an error when a ticket is above a limit, or the store is closed.
func (t *Tickets) admit(entry *ticket) error {
	switch {
	case t.closed:
		return ErrTicketsClosed
	case entry.own && t.own[entry.identity.UserID] >= maxOwnTickets:
		return errOwnTickets
	case entry.own && entry.from.IsValid() &&
		t.from[entry.from] >= t.clients.maxTickets/addressShare:
		return errAddressTickets
	case t.stockOf(entry).isFull(entry.size()):
		return ErrTicketsFull
	}
	return nil
}

func (t *Tickets) stockOf(entry *ticket) *stock {
	if entry.own {
		return &t.clients
	}
	return &t.backends
}

// count adds n tickets like entry, 1 or -1.
func (t *Tickets) count(entry *ticket, n int) {
	s := t.stockOf(entry)
	s.tickets += n
	s.memory += n * entry.size()
	if !entry.own {
		return
	}
	change(t.own, entry.identity.UserID, n)
	if entry.from.IsValid() {
		change(t.from, entry.from, n)
	}
}

// change adds to a count and deletes one that is zero.
func change[K comparable](counts map[K]int, key K, n int) {
	if counts[key] += n; counts[key] == 0 {
		delete(counts, key)
	}
}

func (t *ticket) size() int {
	return ticketOverhead + len(t.identity.UserID) + len(t.identity.Username) + t.identity.size()
}
