package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// StoredTicket is what a [TicketStore] has of a ticket. It has the digest of the ticket, so nobody
// can use a copy of it.
type StoredTicket struct {
	Digest  [sha256.Size]byte
	Expires time.Time
	Value   []byte // what the ticket is for
}

// TicketStore keeps unused tickets, so that they outlive the process. Several goroutines may call
// its methods. An error says that the store is full, too slow, or cannot be reached. Whether the
// call has had an effect is not known then, and it may be repeated.
type TicketStore interface {
	// Load returns the tickets that have not expired.
	Load() []StoredTicket

	// Save stores a ticket, which the store forgets when it has expired.
	Save(StoredTicket) error

	// Remove removes tickets, whose Value is not set. Some may be gone already. After it no crash
	// brings them back.
	Remove(...StoredTicket) error
}

// ErrTicketsUnavailable means that the [TicketStore] could not store a new ticket, or not remove a
// used one, which then stays valid; or the same of the [SharedTicketStore], where it may be used
// up.
var ErrTicketsUnavailable = &Error{
	Code: "unavailable", Message: "Tickets are not available, try again", Status: 503,
	RetryAfter: time.Second,
}

// ticketState says whether a ticket may be redeemed.
type ticketState uint8

const (
	ticketUnused ticketState = iota
	ticketInUse              // the store removes it, for a client that waits
	ticketRevoked
)

// NewStoredTickets returns the tickets of a store, which outlive the process. Issue and IssueFor
// return after a ticket is stored, and a connection is accepted after its ticket is removed, so
// that no crash makes a used ticket valid again. now is the clock; nil is time.Now.
func NewStoredTickets(store TicketStore, now func() time.Time) *Tickets {
	t := NewTickets(now)
	t.store = store
	latest := t.now().Add(2 * MaxTicketTTL)
	var strange []StoredTicket
	for _, stored := range store.Load() {
		entry, err := decodeTicket(stored.Value)
		if err != nil || latest.Before(stored.Expires) {
			// A newer version has written it, or the clock was set back. Its client requests another.
			stored.Value = nil
			strange = append(strange, stored)
			continue
		}
		entry.digest, entry.expires = stored.Digest, stored.Expires
		t.insert(entry)
	}
	if len(strange) > 0 {
		_ = store.Remove(strange...) // after an error the next process tries again
	}
	return t
}

// stored returns the ticket for TicketStore.Remove.
func (t *ticket) stored() StoredTicket { return StoredTicket{Digest: t.digest, Expires: t.expires} }

// save stores a ticket that is in memory. Nobody knows its value before it returns.
func (t *Tickets) save(entry *ticket) error {
	stored := entry.stored()
	stored.Value = encodeTicket(entry)
	err := t.store.Save(stored)
	t.mu.Lock()
	revoked := entry.state == ticketRevoked // perhaps before it was in the store
	if err != nil {
		t.drop(entry)
	}
	t.mu.Unlock()
	switch {
	case err != nil:
		return unavailable(err)
	case revoked:
		return t.discard([]*ticket{entry})
	}
	return nil
}

// use removes a ticket from the store for a client. The ticket stays in memory until then, so that
// it counts, and no other client gets it. The caller has locked mu, which use releases meanwhile.
func (t *Tickets) use(entry *ticket) error {
	entry.state = ticketInUse
	t.mu.Unlock()
	err := t.store.Remove(entry.stored())
	t.mu.Lock()
	switch {
	case entry.state == ticketRevoked:
		return errTicket
	case err != nil:
		entry.state = ticketUnused
		return unavailable(err)
	}
	t.drop(entry)
	return nil
}

// discard removes revoked tickets from the store, then from memory.
func (t *Tickets) discard(tickets []*ticket) error {
	if len(tickets) == 0 {
		return nil
	}
	stored := make([]StoredTicket, len(tickets))
	for i, entry := range tickets {
		stored[i] = entry.stored()
	}
	if err := t.store.Remove(stored...); err != nil {
		return unavailable(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, entry := range tickets {
		t.drop(entry)
	}
	return nil
}

// drop removes a ticket from memory, if it is there. The caller has locked mu.
func (t *Tickets) drop(entry *ticket) {
	if e, ok := t.issued[entry.digest]; ok {
		t.remove(e)
	}
}

func unavailable(cause error) error { return fmt.Errorf("%w: %w", ErrTicketsUnavailable, cause) }

// savedTicket is StoredTicket.Value, JSON. It has no channels that are public, because the next
// process has settings of its own, and no question for the hook, which has the credentials of the
// client: a connection with such a ticket ends when its identity expires.
type savedTicket struct {
	UserID    string     `json:"userId"`
	Username  string     `json:"username,omitempty"`
	Own       bool       `json:"own,omitempty"`
	From      netip.Addr `json:"from,omitzero"`
	Verified  bool       `json:"verified,omitempty"`
	Open      bool       `json:"open,omitempty"`
	ExpiresAt time.Time  `json:"expiresAt,omitzero"`
	Rooms     []string   `json:"rooms,omitempty"`
	Join      []string   `json:"join,omitempty"`
	Publish   []string   `json:"publish,omitempty"`
	Data      []byte     `json:"data,omitempty"` // as base64, so that the bytes stay the same
}

func encodeTicket(t *ticket) []byte {
	id := t.identity
	value, _ := json.Marshal(savedTicket{ // its types always encode
		UserID: id.UserID, Username: id.Username, Own: t.own, From: t.from, Verified: id.Verified,
		Open: id.open, ExpiresAt: id.ExpiresAt, Rooms: id.Rooms, Join: id.join,
		Publish: id.publish, Data: id.Data,
	})
	return value
}

// decodeTicket returns a ticket without its digest and expiry. It refuses fields that it does not
// know: they could limit what the ticket is for.
func decodeTicket(value []byte) (*ticket, error) {
	var saved savedTicket
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&saved); err != nil {
		return nil, err
	}
	return &ticket{own: saved.Own, from: saved.From, identity: Identity{
		UserID: saved.UserID, Username: saved.Username, Verified: saved.Verified,
		open: saved.Open, ExpiresAt: saved.ExpiresAt, Rooms: saved.Rooms, join: saved.Join,
		publish: saved.Publish, Data: saved.Data,
	}}, nil
}
