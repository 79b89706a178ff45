package auth

import (
	linked "container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

const (
	// MaxTicketTTL is the maximum life of a ticket, and the default. A page uses its ticket at
	// once, so a longer life would only help someone who finds the ticket in a log.
	MaxTicketTTL = 30 * time.Second
	// MaxTicketChannels is the maximum number of channel patterns of one ticket.
	MaxTicketChannels = 64

	ticketBytes      = 32 // 256 bits of randomness
	maxTickets       = 100_000
	maxOwnTickets    = 16 // unused tickets of one user by IssueFor
	maxTicketsMemory = 32 << 20
	ticketOverhead   = 300 // approximate bytes of an entry without its strings
	clientShare      = 2   // IssueFor may have this part of the maximums, in addition to Issue
	addressShare     = 10  // and one address this part of that
)

// Tickets issues and redeems tickets. A ticket is a credential for one connection. A backend
// requests it for a user whom it has signed in, or a page requests it with a token that it sends in
// a header. Tickets are meant for EventSource, which can send credentials in its URL only: a used
// ticket in a log is worthless. Tickets are stored as digests in the memory of one process, and
// with [NewStoredTickets] in a store that outlives it: at most 100,000 of backends, or 32 MiB, and
// half of that of clients, so that clients cannot use up what backends need. The zero value is not
// usable; use [NewTickets], [NewStoredTickets] or, with several nodes, [NewSharedTickets]. Tickets
// is safe for concurrent use.
type Tickets struct {
	now    func() time.Time
	store  TicketStore       // nil: the tickets end with the process. It is not called with mu held
	shared SharedTicketStore // nil: this process decides alone. It is not called with mu held

	mu       sync.Mutex // guards the fields below, and the state of each ticket
	closed   bool
	issued   map[[sha256.Size]byte]*linked.Element
	order    linked.List // of *ticket, oldest first
	backends stock
	clients  stock              // by IssueFor
	own      map[string]int     // their number for each user
	from     map[netip.Addr]int // and for each address
}

type ticket struct {
	digest   [sha256.Size]byte
	identity Identity
	state    ticketState // always unused without a store
	own      bool        // by IssueFor: identity is complete, else the Authenticator completes it
	from     netip.Addr
	expires  time.Time
}

// NewTickets returns an empty store of tickets. now is the clock; nil is time.Now.
func NewTickets(now func() time.Time) *Tickets {
	if now == nil {
		now = time.Now
	}
	return &Tickets{now: now,
		issued:   make(map[[sha256.Size]byte]*linked.Element),
		backends: stock{maxTickets: maxTickets, maxMemory: maxTicketsMemory},
		clients: stock{
			maxTickets: maxTickets / clientShare, maxMemory: maxTicketsMemory / clientShare,
		},
		own: make(map[string]int), from: make(map[netip.Addr]int)}
}

// Issue returns a new ticket for one connection of userID, and the time when it expires. username
// may be empty; channels are patterns as in a token's channels claim. A ttl of 0 is [MaxTicketTTL],
// a longer one an error. The errors are or wrap an *[Error]: [ErrMalformed], whose Detail names the
// wrong field, [ErrTicketsFull], [ErrTicketsClosed], or [ErrTicketsUnavailable] with its cause.
func (t *Tickets) Issue(
	userID, username string, channels []string, ttl time.Duration,
) (string, time.Time, error) {
	if err := checkTicket(userID, channels, ttl); err != nil {
		return "", time.Time{}, err
	}
	if ttl == 0 {
		ttl = MaxTicketTTL
	}
	return t.issue(ticket{
		identity: Identity{UserID: userID, Username: rooms.DisplayName(username), Verified: true,
			join: slices.Clone(channels)},
		expires: t.now().Add(ttl),
	})
}

// IssueFor returns a new ticket for one more connection of an identity that a client has just
// proved. The connection gets the identity's rights and expiry. The ticket expires with the
// identity's token, after [MaxTicketTTL] at the latest. address is that of the client, or the zero
// Addr; for IPv6 it is the first of the /64. The errors are those of Issue, [ErrRequired] for an
// anonymous identity, [ErrExpired] for an expired one, or one with the code rate_limited while the
// user has 16 unused tickets of this kind, or the address 5,000.
func (t *Tickets) IssueFor(id Identity, address netip.Addr) (string, time.Time, error) {
	now := t.now()
	switch {
	case id.Anonymous || id.UserID == "":
		return "", time.Time{}, ErrRequired.because("an anonymous connection gets no ticket")
	case id.Expired(now):
		return "", time.Time{}, ErrExpired
	}
	expires := now.Add(MaxTicketTTL)
	if !id.ExpiresAt.IsZero() && id.ExpiresAt.Before(expires) {
		expires = id.ExpiresAt
	}
	return t.issue(ticket{identity: id, own: true, from: address, expires: expires})
}

// issue generates the value of a ticket and stores the ticket.
func (t *Tickets) issue(entry ticket) (string, time.Time, error) {
	random := make([]byte, ticketBytes)
	_, _ = rand.Read(random) // never fails
	value := base64.RawURLEncoding.EncodeToString(random)
	entry.digest = sha256.Sum256([]byte(value))
	if err := t.add(&entry); err != nil {
		return "", time.Time{}, err
	}
	var err error
	switch {
	case t.shared != nil:
		err = t.share(&entry)
	case t.store != nil:
		err = t.save(&entry)
	}
	if err != nil {
		return "", time.Time{}, err
	}
	return value, entry.expires, nil
}

// add stores a ticket in memory, or refuses it.
func (t *Tickets) add(entry *ticket) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(t.now())
	if err := t.admit(entry); err != nil {
		return err
	}
	t.insert(entry)
	return nil
}

func (t *Tickets) insert(entry *ticket) {
	t.issued[entry.digest] = t.order.PushBack(entry)
	t.count(entry, 1)
}

// Revoke deletes the unused tickets of a user and returns their number, of several nodes that of
// this one. After an error, which wraps [ErrTicketsUnavailable], the next process or another node may
// accept them: try again.
func (t *Tickets) Revoke(userID string) (revoked int, err error) {
	if t.shared != nil {
		return t.revokeShared(userID)
	}
	t.mu.Lock()
	of := t.of(userID)
	for _, entry := range of {
		if t.store == nil {
			t.drop(entry)
		} else {
			entry.state = ticketRevoked
		}
	}
	t.mu.Unlock()
	if t.store == nil {
		return len(of), nil
	}
	return len(of), t.discard(of)
}

// Len returns the number of stored tickets.
func (t *Tickets) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.issued)
}

// redeem returns a ticket and deletes it. The error does not say whether the ticket is unknown,
// used, revoked or expired; it wraps ErrTicketsUnavailable when the store cannot delete the ticket,
// which then stays valid, with a shared one perhaps.
func (t *Tickets) redeem(value string) (ticket, error) {
	if len(value) != base64.RawURLEncoding.EncodedLen(ticketBytes) {
		return ticket{}, errTicket
	}
	// The lookup is by digest, so its time says nothing about the values of stored tickets.
	digest := sha256.Sum256([]byte(value))
	if t.shared != nil {
		return t.redeemShared(digest)
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.issued[digest]
	if !ok || e.Value.(*ticket).state != ticketUnused {
		return ticket{}, errTicket
	}
	found := e.Value.(*ticket)
	if t.store == nil || !now.Before(found.expires) {
		t.remove(e)
	}
	switch {
	case !now.Before(found.expires):
		return ticket{}, errTicket
	case t.store != nil:
		if err := t.use(found); err != nil {
			return ticket{}, err
		}
	}
	return *found, nil
}

// forget deletes expired tickets from the front of the list, which is in the order of issue. An
// expired ticket behind one with a longer life stays up to [MaxTicketTTL] more, which saves a
// goroutine and a heap.
func (t *Tickets) forget(now time.Time) {
	for {
		oldest := t.order.Front()
		if oldest == nil || now.Before(oldest.Value.(*ticket).expires) {
			return
		}
		t.remove(oldest)
	}
}

func (t *Tickets) remove(e *linked.Element) *ticket {
	entry := t.order.Remove(e).(*ticket)
	delete(t.issued, entry.digest)
	t.count(entry, -1)
	return entry
}
