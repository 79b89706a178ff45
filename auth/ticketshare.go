package auth

import (
	"crypto/sha256"
	"time"
)

// SharedTicketStore keeps the unused tickets of several nodes, and decides about them. Several
// goroutines may call its methods. An error says that the store is too slow, or cannot be reached.
// Whether the call has had an effect is not known then.
type SharedTicketStore interface {
	// Issue stores a ticket of a user until it expires.
	Issue(userID string, t StoredTicket, life time.Duration) error

	// Redeem removes a ticket and returns its Value; of several calls on all nodes, one gets it. nil
	// means that the ticket is unknown, used, revoked or expired.
	Redeem(digest [sha256.Size]byte) (value []byte, err error)

	// Revoke makes the tickets of a user invalid that were issued before it, on any node.
	Revoke(userID string) error
}

// NewSharedTickets returns the tickets of one of several nodes. A ticket that one node issues can
// be redeemed on any, once, and a revocation reaches all.
//
// Each node counts the tickets that it has issued itself against the maximums of [Tickets]. One
// that is redeemed on another node counts until it would have expired; it has no question for the
// [Hook], as after a restart. A redemption that fails may use the ticket up. now is the clock; nil
// is time.Now.
func NewSharedTickets(shared SharedTicketStore, now func() time.Time) *Tickets {
	t := NewTickets(now)
	t.shared = shared
	return t
}

// share stores a ticket that is in memory. Nobody knows its value before it returns.
func (t *Tickets) share(entry *ticket) error {
	stored := entry.stored()
	stored.Value = encodeTicket(entry)
	err := t.shared.Issue(entry.identity.UserID, stored, entry.expires.Sub(t.now()))
	if err == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(entry)
	return unavailable(err)
}

// redeemShared asks the store for a ticket. One that this node has issued has more in memory than
// in the store.
func (t *Tickets) redeemShared(digest [sha256.Size]byte) (ticket, error) {
	value, err := t.shared.Redeem(digest)
	if err != nil {
		return ticket{}, unavailable(err)
	}
	t.mu.Lock()
	e := t.issued[digest]
	if e != nil {
		t.remove(e)
	}
	t.mu.Unlock()
	if value == nil {
		return ticket{}, errTicket
	}
	if e != nil {
		return *e.Value.(*ticket), nil
	}
	found, err := decodeTicket(value)
	if err != nil { // a newer version has issued it
		return ticket{}, errTicket
	}
	return *found, nil
}

// revokeShared revokes the tickets of a user on all nodes. It returns the number of those of this
// node.
func (t *Tickets) revokeShared(userID string) (revoked int, err error) {
	t.mu.Lock()
	of := t.of(userID)
	t.mu.Unlock()
	if err := t.shared.Revoke(userID); err != nil {
		return 0, unavailable(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, entry := range of {
		t.drop(entry)
	}
	return len(of), nil
}

// of returns the tickets of a user. The caller has locked mu.
func (t *Tickets) of(userID string) (of []*ticket) {
	for e := t.order.Front(); e != nil; e = e.Next() {
		if entry := e.Value.(*ticket); entry.identity.UserID == userID {
			of = append(of, entry)
		}
	}
	return of
}
