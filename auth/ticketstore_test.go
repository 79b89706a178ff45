package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// heldTickets is a TicketStore in memory.
type heldTickets struct {
	// before is called before each change, with the name of the method. nil: it is not.
	before func(method string) error

	mu  sync.Mutex
	all map[[sha256.Size]byte]StoredTicket
}

func (h *heldTickets) Load() []StoredTicket {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.all))
}

func (h *heldTickets) Save(t StoredTicket) error {
	return h.change("Save", func() { h.all[t.Digest] = t })
}

func (h *heldTickets) Remove(tickets ...StoredTicket) error {
	return h.change("Remove", func() {
		for _, t := range tickets {
			if held, ok := h.all[t.Digest]; ok && held.Expires.Equal(t.Expires) {
				delete(h.all, t.Digest)
			}
		}
	})
}

func (h *heldTickets) change(method string, f func()) error {
	if h.before != nil {
		if err := h.before(method); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[[sha256.Size]byte]StoredTicket)
	}
	f()
	return nil
}

func (h *heldTickets) len() int { return len(h.Load()) }

// The next process accepts a ticket, with the same identity, and once. The store has its digest.
func TestTicketOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	token := sign(t, good(jwt.MapClaims{"sub": "alice", "name": "Alice <A.>",
		"channels": []string{"team-*"}, "publish": []string{"team-7"},
		"exp": testNow.Add(time.Hour).Unix()}))
	for name, o := range map[string]Options{
		"token": {Secret: testSecret, PublicChannels: []string{"news"}},
		"open":  {Secret: testSecret, Mode: ModeOpen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := new(heldTickets)
			next := func() (*Tickets, *Authenticator) {
				own := o
				own.Tickets = NewStoredTickets(store, clock)
				return own.Tickets, newAuth(t, own)
			}
			tickets, a := next()
			direct, err := try(a, Credentials{Token: token}, EventSource)
			if err != nil {
				t.Fatal(err)
			}
			direct.Rooms, direct.Data = []string{"lobby"}, json.RawMessage(`{ "a": "<b>" }`)
			own, _, err := tickets.IssueFor(direct, netip.MustParseAddr("2001:db8::"))
			if err != nil {
				t.Fatal(err)
			}
			backends := issue(t, tickets, "bob", "orders")
			for _, stored := range store.Load() {
				for _, value := range []string{own, backends} {
					if bytes.Contains(stored.Value, []byte(value)) ||
						bytes.Contains(stored.Digest[:], []byte(value[:8])) {
						t.Errorf("the store has the ticket: %s", stored.Value)
					}
				}
			}
			_, a = next()
			if id, err := try(a, Credentials{Ticket: own}, SocketIO); err != nil ||
				!id.ExpiresAt.Equal(direct.ExpiresAt) || !sameIdentity(id, direct) {
				t.Errorf("identity %#v, %v, want %#v", id, err, direct)
			}
			id, err := try(a, Credentials{Ticket: backends, Username: "Bob"}, EventSource)
			if err != nil || id.UserID != "bob" || id.Username != "Bob" || !id.Verified ||
				!id.MayJoin("orders") || id.MayJoin("other") != (name == "open") {
				t.Errorf("identity %#v, %v", id, err)
			}
			refused(t, a, Credentials{Ticket: own}, ErrInvalid)
			tickets, a = next()
			refused(t, a, Credentials{Ticket: own}, ErrInvalid)
			refused(t, a, Credentials{Ticket: backends}, ErrInvalid)
			if tickets.Len() != 0 || store.len() != 0 {
				t.Errorf("%d tickets are left, %d in the store", tickets.Len(), store.len())
			}
		})
	}
}

// sameIdentity compares all except the expiry.
func sameIdentity(a, b Identity) bool {
	a.ExpiresAt, b.ExpiresAt = time.Time{}, time.Time{}
	return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// The next process can have other settings. A ticket gives no rights that they do not give.
func TestStoredTicketAfterOtherSettings(t *testing.T) {
	t.Parallel()
	store := new(heldTickets)
	open := newAuth(t, Options{})
	bare, err := try(open, Credentials{UserID: "admin"}, EventSource)
	if err != nil {
		t.Fatal(err)
	}
	tickets := NewStoredTickets(store, clock)
	claimed, _, err := tickets.IssueFor(bare, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	backends := issue(t, tickets, "alice")
	a := newAuth(t, Options{Secret: testSecret, Tickets: NewStoredTickets(store, clock),
		PublicChannels: []string{"news"}})
	refused(t, a, Credentials{Ticket: claimed}, ErrInvalid)
	if id, err := try(a, Credentials{Ticket: backends}, EventSource); err != nil ||
		!id.MayJoin("news") || id.MayJoin("other") {
		t.Errorf("%#v, %v", id, err)
	}
}

// The credentials that a hook was asked about are not stored.
func TestStoredTicketHasNoQuestion(t *testing.T) {
	t.Parallel()
	store := new(heldTickets)
	id := Identity{UserID: "alice", Verified: true, ExpiresAt: testNow.Add(time.Minute),
		question: &Question{Client: json.RawMessage(`{"auth":{"token":"canary"}}`)}}
	if _, _, err := NewStoredTickets(store, clock).IssueFor(id, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	for _, stored := range store.Load() {
		if bytes.Contains(stored.Value, []byte("canary")) {
			t.Errorf("stored: %s", stored.Value)
		}
	}
}

// The maximums count the tickets of the process before.
func TestStoredTicketsAreBounded(t *testing.T) {
	t.Parallel()
	store := new(heldTickets)
	before := NewStoredTickets(store, clock)
	from := netip.MustParseAddr("192.0.2.1")
	alice := Identity{UserID: "alice", Username: "A", join: patterns{"a", "b"}}
	for range maxOwnTickets {
		if _, _, err := before.IssueFor(alice, from); err != nil {
			t.Fatal(err)
		}
	}
	issue(t, before, "bob", "c", "d")
	after := NewStoredTickets(store, clock)
	if after.Len() != before.Len() || after.clients != before.clients ||
		after.backends != before.backends || !maps.Equal(after.own, before.own) ||
		!maps.Equal(after.from, before.from) {
		t.Errorf("%+v %+v %v %v, before %+v %+v %v %v", after.clients, after.backends, after.own,
			after.from, before.clients, before.backends, before.own, before.from)
	}
	if _, _, err := after.IssueFor(alice, from); !errors.Is(err, errOwnTickets) {
		t.Errorf("one more ticket of the user: %v", err)
	}
	after.clients.maxTickets = addressShare * maxOwnTickets
	if _, _, err := after.IssueFor(Identity{UserID: "carol"}, from); !errors.Is(err, errAddressTickets) {
		t.Errorf("one more ticket of the address: %v", err)
	}
	after.clients.maxTickets, after.backends.maxTickets = maxOwnTickets, 1
	if _, _, err := after.IssueFor(Identity{UserID: "carol"}, netip.Addr{}); !errors.Is(err, ErrTicketsFull) {
		t.Errorf("one more ticket of clients: %v", err)
	}
	if _, _, err := after.Issue("bob", "", nil, 0); !errors.Is(err, ErrTicketsFull) {
		t.Errorf("one more ticket of backends: %v", err)
	}
	if n, err := after.Revoke("alice"); n != maxOwnTickets || err != nil || store.len() != 1 {
		t.Errorf("%d revoked, %v, %d in the store", n, err, store.len())
	}
}
