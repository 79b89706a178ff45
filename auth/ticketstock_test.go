package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Clients cannot use up the tickets of backends, nor one address or user those of all clients, and
// the other way round.
func TestTicketShares(t *testing.T) {
	t.Parallel()
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	tickets.clients.maxTickets, tickets.backends.maxTickets = 1000, 2000
	take := func(address string) (n int, err error) {
		from := netip.MustParseAddr(address)
		for ; err == nil; n++ {
			id := Identity{UserID: fmt.Sprintf("%s-%d", address, n)}
			_, _, err = tickets.IssueFor(id, from)
		}
		return n - 1, err
	}
	if n, err := take("192.0.2.1"); n != 100 || !errors.Is(err, errAddressTickets) {
		t.Errorf("one address got %d tickets: %v", n, err)
	}
	for i := range 9 {
		if n, err := take(fmt.Sprintf("192.0.2.%d", i+2)); n != 100 {
			t.Errorf("another address got %d tickets: %v", n, err)
		}
	}
	if n, err := take("192.0.2.20"); n != 0 || !errors.Is(err, ErrTicketsFull) {
		t.Errorf("above the maximum: %d tickets, %v", n, err)
	}
	for range 2000 {
		issue(t, tickets, "alice")
	}
	if _, _, err := tickets.Issue("alice", "", nil, 0); !errors.Is(err, ErrTicketsFull) {
		t.Errorf("backends above the maximum: %v", err)
	}
	now = now.Add(MaxTicketTTL)
	if n, err := take("192.0.2.20"); n != 100 {
		t.Errorf("after the end of the others: %d tickets, %v", n, err)
	}
	if len(tickets.from) != 1 || len(tickets.own) != 100 || tickets.backends.tickets != 0 {
		t.Errorf("%d addresses, %d users, %+v", len(tickets.from), len(tickets.own),
			tickets.backends)
	}
}
