package auth

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// nodeTickets is a SharedTicketStore in memory.
type nodeTickets struct {
	mu   sync.Mutex
	fail error
	all  map[[sha256.Size]byte]nodeTicket
}

type nodeTicket struct {
	userID string
	value  []byte
}

func (n *nodeTickets) Issue(userID string, t StoredTicket, _ time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[[sha256.Size]byte]nodeTicket{}
	}
	if n.fail == nil {
		n.all[t.Digest] = nodeTicket{userID, t.Value}
	}
	return n.fail
}

func (n *nodeTickets) Redeem(digest [sha256.Size]byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return nil, n.fail
	}
	found := n.all[digest]
	delete(n.all, digest)
	return found.value, nil
}

func (n *nodeTickets) Revoke(userID string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	for digest, t := range n.all {
		if t.userID == userID {
			delete(n.all, digest)
		}
	}
	return nil
}

// A ticket of one node is redeemed on another, once, with the rights of the identity.
func TestSharedTickets(t *testing.T) {
	t.Parallel()
	store := &nodeTickets{}
	one, other := NewSharedTickets(store, clock), NewSharedTickets(store, clock)
	id := Identity{UserID: "alice", Username: "A", Verified: true, join: patterns{"team-*"},
		publish: patterns{"team-7"}, ExpiresAt: testNow.Add(time.Hour)}
	value, _, err := one.IssueFor(id, netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := other.redeem(value)
	if err != nil || found.identity.UserID != "alice" || !found.identity.MayJoin("team-1") ||
		found.identity.MayPublish("team-1") || !found.identity.ExpiresAt.Equal(id.ExpiresAt) ||
		!found.own {
		t.Errorf("%+v %v", found, err)
	}
	for _, node := range []*Tickets{one, other} {
		if _, err := node.redeem(value); !errors.Is(err, ErrInvalid) {
			t.Errorf("a used ticket: %v", err)
		}
		if node.Len() != 0 || len(node.own) != 0 || len(node.from) != 0 || node.clients.memory != 0 {
			t.Errorf("%d tickets, %v, %v, %d bytes are left", node.Len(), node.own, node.from,
				node.clients.memory)
		}
	}
}

// The node that has issued a ticket keeps the question for the hook, which no store has.
func TestSharedTicketKeepsQuestion(t *testing.T) {
	t.Parallel()
	tickets := NewSharedTickets(&nodeTickets{}, clock)
	value, _, err := tickets.IssueFor(Identity{UserID: "alice", question: &Question{}}, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := tickets.redeem(value); err != nil || found.identity.question == nil {
		t.Errorf("%+v %v", found, err)
	}
}

// Each node has the limits for the tickets that it has issued. A ticket that was redeemed elsewhere
// counts until it would have expired.
func TestSharedTicketLimits(t *testing.T) {
	t.Parallel()
	now := testNow
	store := &nodeTickets{}
	one := NewSharedTickets(store, func() time.Time { return now })
	other := NewSharedTickets(store, clock)
	for range maxOwnTickets {
		value, _, err := one.IssueFor(Identity{UserID: "alice"}, netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.redeem(value); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := one.IssueFor(Identity{UserID: "alice"}, netip.Addr{})
	if !errors.Is(err, errOwnTickets) {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := other.IssueFor(Identity{UserID: "alice"}, netip.Addr{}); err != nil {
		t.Errorf("on another node: %v", err)
	}
	now = now.Add(MaxTicketTTL)
	if _, _, err := one.IssueFor(Identity{UserID: "alice"}, netip.Addr{}); err != nil {
		t.Errorf("after their life: %v", err)
	}
}

func TestSharedTicketsRevoke(t *testing.T) {
	t.Parallel()
	store := &nodeTickets{}
	one, other := NewSharedTickets(store, clock), NewSharedTickets(store, clock)
	mine, others, bobs := issue(t, one, "alice"), issue(t, other, "alice"), issue(t, one, "bob")
	if n, err := one.Revoke("alice"); n != 1 || err != nil {
		t.Errorf("%d revoked: %v", n, err)
	}
	for _, value := range []string{mine, others} {
		if _, err := other.redeem(value); !errors.Is(err, ErrInvalid) {
			t.Errorf("a revoked ticket: %v", err)
		}
	}
	if _, err := other.redeem(bobs); err != nil {
		t.Errorf("another user's: %v", err)
	}
}

// When the store is away, no ticket is issued, redeemed or revoked, and the error has status 503.
func TestSharedTicketsFail(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	store := &nodeTickets{}
	tickets := NewSharedTickets(store, clock)
	value := issue(t, tickets, "alice")
	store.fail = away
	_, _, issued := tickets.Issue("bob", "", nil, 0)
	_, redeemed := tickets.redeem(value)
	_, revoked := tickets.Revoke("alice")
	for name, err := range map[string]error{"Issue": issued, "redeem": redeemed, "Revoke": revoked} {
		var refused *Error
		if !errors.Is(err, away) || !errors.As(err, &refused) || refused.Status != 503 ||
			refused.Code != "unavailable" || refused.RetryAfter != time.Second {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tickets.Len() != 1 {
		t.Errorf("%d tickets count, want the one that was issued", tickets.Len())
	}
	store.fail = nil
	if _, err := tickets.redeem(value); err != nil {
		t.Errorf("later: %v", err)
	}
	tickets.Close()
	if _, _, err := tickets.Issue("bob", "", nil, 0); !errors.Is(err, ErrTicketsClosed) {
		t.Errorf("closed: %v", err)
	}
}
