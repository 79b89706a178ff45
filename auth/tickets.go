package auth

import (
	linked "container/list"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/roomcast/roomcast/rooms"
)

const (
	// MaxTicketTTL is the longest life of a ticket, and the one it has when none is asked for. A page uses its ticket
	// at once, so a longer life would serve only those who find it in a log.
	MaxTicketTTL = 30 * time.Second
	// MaxTicketChannels is the most patterns of channels that one ticket may carry.
	MaxTicketChannels = 64

	ticketBytes      = 32 // 256 bits of randomness
	maxTickets       = 100_000
	maxOwnTickets    = 16 // unused ones that a client got for itself, of one user: it opens a connection with each at once
	maxTicketsMemory = 32 << 20
	ticketOverhead   = 300 // what an entry takes beside its strings, about
)

// ErrTicketsFull is returned by [Tickets.Issue] while as many tickets are out as the server remembers.
var ErrTicketsFull = &Error{
	Code: "unavailable", Message: "Too many tickets are waiting to be used", Status: 503, RetryAfter: MaxTicketTTL,
}

// errOwnTickets is returned by [Tickets.IssueFor] for a user who does not use what it asks for. Else one user's script
// could take the place of everyone's tickets.
var errOwnTickets = &Error{
	Code: "rate_limited", Message: "Rate limit exceeded", Detail: fmt.Sprintf("%d tickets of this user wait to be used", maxOwnTickets),
	Status: 429, RetryAfter: MaxTicketTTL,
}

// Tickets issues and redeems tickets: credentials for one connection each, asked for by a backend on behalf of a user
// whom it has signed in by its own means, or by a page that shows its token where a header can be sent. They suit
// EventSource, whose only way to carry credentials is its URL: what is left of it in a log is worth nothing a moment
// later. Tickets live in the memory of one process, as digests. At most 100,000 of them, or 32 MiB, are out at a time.
// The zero value is not usable; it is safe for concurrent use.
type Tickets struct {
	now func() time.Time

	mu     sync.Mutex // guards what follows
	issued map[[sha256.Size]byte]*linked.Element
	order  linked.List // of *ticket, oldest first
	memory int
	own    map[string]int // tickets by IssueFor of each user
}

type ticket struct {
	digest   [sha256.Size]byte
	identity Identity
	own      bool // by IssueFor: the identity is whole, else the rest of it is the Authenticator's to say
	expires  time.Time
}

// NewTickets returns an empty set of tickets. now is nil for time.Now.
func NewTickets(now func() time.Time) *Tickets {
	if now == nil {
		now = time.Now
	}
	return &Tickets{now: now, issued: make(map[[sha256.Size]byte]*linked.Element), own: make(map[string]int)}
}

// Issue returns a new ticket for one connection as userID, and when it ends. username may be empty; channels are
// patterns as in a token's channels claim; a ttl of 0 is [MaxTicketTTL], more is refused. The errors are *[Error]: of
// [ErrMalformed] with the field at fault in its Detail, or [ErrTicketsFull].
func (t *Tickets) Issue(userID, username string, channels []string, ttl time.Duration) (string, time.Time, error) {
	if err := checkTicket(userID, username, channels, ttl); err != nil {
		return "", time.Time{}, err
	}
	if ttl == 0 {
		ttl = MaxTicketTTL
	}
	return t.issue(ticket{
		identity: Identity{UserID: userID, Username: username, Verified: true, join: slices.Clone(channels)},
		expires:  t.now().Add(ttl),
	})
}

// IssueFor returns a new ticket for one more connection of an identity that a client has just proved: whoever redeems
// it is that identity, with its rights and its end. The ticket ends with the identity's token, after [MaxTicketTTL] at
// the latest. The errors are *[Error]: of [ErrRequired] for an anonymous identity, [ErrExpired] for one that has ended,
// [ErrTicketsFull], or of the code rate_limited while 16 such tickets of a user are out.
func (t *Tickets) IssueFor(id Identity) (string, time.Time, error) {
	now := t.now()
	switch {
	case id.Anonymous || id.UserID == "":
		return "", time.Time{}, ErrRequired.because("a ticket is of a user")
	case id.Expired(now):
		return "", time.Time{}, ErrExpired
	}
	expires := now.Add(MaxTicketTTL)
	if !id.ExpiresAt.IsZero() && id.ExpiresAt.Before(expires) {
		expires = id.ExpiresAt
	}
	return t.issue(ticket{identity: id, own: true, expires: expires})
}

// issue gives the ticket its value and keeps it.
func (t *Tickets) issue(entry ticket) (string, time.Time, error) {
	random := make([]byte, ticketBytes)
	_, _ = rand.Read(random) // never fails
	value := base64.RawURLEncoding.EncodeToString(random)
	entry.digest = sha256.Sum256([]byte(value))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(t.now())
	if entry.own && t.own[entry.identity.UserID] >= maxOwnTickets {
		return "", time.Time{}, errOwnTickets
	}
	if len(t.issued) >= maxTickets || t.memory+entry.size() > maxTicketsMemory {
		return "", time.Time{}, ErrTicketsFull
	}
	t.issued[entry.digest] = t.order.PushBack(&entry)
	t.memory += entry.size()
	if entry.own {
		t.own[entry.identity.UserID]++
	}
	return value, entry.expires, nil
}

// Revoke voids the tickets of a user that were not used yet and returns how many there were.
func (t *Tickets) Revoke(userID string) (revoked int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := t.order.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*ticket).identity.UserID == userID {
			t.remove(e)
			revoked++
		}
		e = next
	}
	return revoked
}

// Len returns the number of tickets that are remembered.
func (t *Tickets) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.issued)
}

// redeem uses a ticket up. Unknown, used, revoked and expired look alike to the client.
func (t *Tickets) redeem(value string) (ticket, error) {
	if len(value) != base64.RawURLEncoding.EncodedLen(ticketBytes) {
		return ticket{}, errTicket
	}
	// The digest, not the value, is looked up: how long that takes tells nothing about the tickets that are out.
	digest := sha256.Sum256([]byte(value))
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.issued[digest]
	if !ok {
		return ticket{}, errTicket
	}
	found := *t.remove(e)
	if !now.Before(found.expires) {
		return ticket{}, errTicket
	}
	return found, nil
}

var errTicket = ErrInvalid.because("the ticket is unknown, used or too old")

// forget drops what no one can redeem any more, from the oldest on. A short-lived ticket behind a longer one stays
// until that goes, which is [MaxTicketTTL] at most: no goroutine and no heap are needed.
func (t *Tickets) forget(now time.Time) {
	for e := t.order.Front(); e != nil && !now.Before(e.Value.(*ticket).expires); e = t.order.Front() {
		t.remove(e)
	}
}

func (t *Tickets) remove(e *linked.Element) *ticket {
	entry := t.order.Remove(e).(*ticket)
	delete(t.issued, entry.digest)
	t.memory -= entry.size()
	if user := entry.identity.UserID; entry.own {
		if t.own[user]--; t.own[user] == 0 {
			delete(t.own, user)
		}
	}
	return entry
}

func (t *ticket) size() int {
	n := ticketOverhead + len(t.identity.UserID) + len(t.identity.Username)
	for _, channels := range []patterns{t.identity.join, t.identity.publish} {
		for _, channel := range channels {
			n += len(channel) + 16
		}
	}
	return n
}

func checkTicket(userID, username string, channels []string, ttl time.Duration) error {
	if err := rooms.CheckUserID("userId", userID); err != nil {
		return ErrMalformed.because(err.Error())
	}
	if username != "" {
		if err := rooms.CheckName("username", username, rooms.MaxName); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if len(channels) > MaxTicketChannels {
		return ErrMalformed.because(fmt.Sprintf("channels: %d patterns, expected at most %d", len(channels), MaxTicketChannels))
	}
	for _, channel := range channels {
		if err := rooms.CheckName("channels", channel, rooms.MaxName); err != nil {
			return ErrMalformed.because(err.Error())
		}
	}
	if ttl < 0 || ttl > MaxTicketTTL {
		return ErrMalformed.because(fmt.Sprintf("ttl: got %s, expected more than 0s and at most %s", ttl, MaxTicketTTL))
	}
	return nil
}
