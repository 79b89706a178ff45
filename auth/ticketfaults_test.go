package auth

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// When the store fails, no ticket is issued, and a ticket stays valid for the next attempt.
func TestTicketStoreFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space")
	var fail error
	store := &heldTickets{before: func(string) error { return fail }}
	tickets := NewStoredTickets(store, clock)
	a := newAuth(t, Options{Mode: ModeTicket, Tickets: tickets})
	value := issue(t, tickets, "alice")
	unavailable := func(what string, err error) {
		t.Helper()
		var refused *Error
		if !errors.Is(err, full) || !errors.As(err, &refused) || refused.Status != 503 ||
			refused.RetryAfter != time.Second || refused.Code != "unavailable" {
			t.Errorf("%s: %v", what, err)
		}
	}
	fail = full
	_, _, err := tickets.Issue("bob", "", nil, 0)
	unavailable("a new ticket", err)
	_, _, err = tickets.IssueFor(Identity{UserID: "bob"}, netip.Addr{})
	unavailable("a new ticket of a client", err)
	if tickets.Len() != 1 || len(tickets.own) != 0 {
		t.Errorf("%d tickets, %v", tickets.Len(), tickets.own)
	}
	_, err = try(a, Credentials{Ticket: value}, EventSource)
	unavailable("a redemption", err)
	fail = nil
	if _, err := try(a, Credentials{Ticket: value}, EventSource); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)

	value = issue(t, tickets, "alice")
	fail = full
	n, err := tickets.Revoke("alice")
	unavailable("a revocation", err)
	if n != 1 {
		t.Errorf("%d revoked", n)
	}
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	fail = nil
	if n, err := tickets.Revoke("alice"); n != 1 || err != nil || tickets.Len() != 0 || store.len() != 0 {
		t.Errorf("revoked again: %d, %v, %d left, %d in the store", n, err, tickets.Len(), store.len())
	}
}

// While the store removes a ticket for one client, no other one gets it.
func TestStoredTicketIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{"": nil, "the store fails": errors.New("no space")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := new(heldTickets)
			tickets := NewStoredTickets(store, clock)
			a := newAuth(t, Options{Mode: ModeTicket, Tickets: tickets})
			c := Credentials{Ticket: issue(t, tickets, "alice")}
			store.before = func(string) error {
				refused(t, a, c, ErrInvalid)
				return fail
			}
			if _, err := try(a, c, EventSource); !errors.Is(err, fail) {
				t.Error(err)
			}
		})
	}
}

// A ticket that is revoked while the store works on it is not valid, here and in the next process.
func TestTicketIsRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Save", "Remove"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			store := new(heldTickets)
			tickets := NewStoredTickets(store, clock)
			store.before = func(in string) error {
				if in == method {
					store.before = nil
					if n, err := tickets.Revoke("alice"); n != 1 || err != nil {
						t.Errorf("%d revoked, %v", n, err)
					}
				}
				return nil
			}
			value := issue(t, tickets, "alice")
			c := Credentials{Ticket: value}
			refused(t, newAuth(t, Options{Mode: ModeTicket, Tickets: tickets}), c, ErrInvalid)
			next := NewStoredTickets(store, clock)
			refused(t, newAuth(t, Options{Mode: ModeTicket, Tickets: next}), c, ErrInvalid)
			if tickets.Len() != 0 || store.len() != 0 {
				t.Errorf("%d tickets are left, %d in the store", tickets.Len(), store.len())
			}
		})
	}
}

// A ticket that this version cannot read, and one with more time than a ticket has, is
// dropped.
func TestStoredTicketIsStrange(t *testing.T) {
	t.Parallel()
	store := new(heldTickets)
	for i, value := range []string{``, `{`, `{"userId":"a","onlyFrom":"192.0.2.1"}`, `[]`} {
		_ = store.Save(StoredTicket{sha256.Sum256([]byte{byte(i)}), testNow.Add(time.Second), []byte(value)})
	}
	_ = store.Save(StoredTicket{[32]byte{}, testNow.Add(time.Hour), []byte(`{"userId":"a"}`)})
	if tickets := NewStoredTickets(store, clock); tickets.Len() != 0 || store.len() != 0 {
		t.Errorf("%d tickets, %d in the store", tickets.Len(), store.len())
	}
}

// Whatever happens, also the end of the process at any time, a ticket is accepted at most once, and
// never after it was revoked or has expired.
func TestStoredTicketsModel(t *testing.T) {
	t.Parallel()
	type known struct {
		value, user string
		expires     time.Time
	}
	rapid.Check(t, func(r *rapid.T) {
		now := testNow
		store := new(heldTickets)
		tickets := NewStoredTickets(store, func() time.Time { return now })
		var valid, gone []known
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			user := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "user")
			fail := error(nil)
			if rapid.IntRange(0, 4).Draw(r, "fails") == 0 {
				fail = errors.New("no space")
			}
			store.before = func(string) error { return fail }
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0:
				ttl := time.Duration(rapid.IntRange(1, 30).Draw(r, "ttl")) * time.Second
				value, expires, err := tickets.Issue(user, "", nil, ttl)
				if (err == nil) != (fail == nil) {
					r.Fatal(err)
				}
				if err == nil {
					valid = append(valid, known{value, user, expires})
				}
			case 1:
				for i, k := range valid {
					found, err := tickets.redeem(k.value)
					if (err == nil) != (fail == nil) || err == nil && found.identity.UserID != k.user {
						r.Fatalf("ticket %d: %v", i, err)
					}
					if err == nil {
						gone, valid = append(gone, k), slices.Delete(valid, i, i+1)
					}
					break
				}
			case 2:
				_, err := tickets.Revoke(user)
				has := func(k known) bool { return k.user == user }
				if err == nil {
					for _, k := range valid {
						if has(k) {
							gone = append(gone, k)
						}
					}
					valid = slices.DeleteFunc(valid, has)
				} else if _, err := tickets.Revoke(user); err == nil {
					r.Fatal("a store that fails")
				} else { // the next process may accept them
					tickets = NewStoredTickets(store, func() time.Time { return now })
				}
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(1, 20).Draw(r, "s")) * time.Second)
				over := func(k known) bool { return !now.Before(k.expires) }
				for _, k := range valid {
					if over(k) {
						gone = append(gone, k)
					}
				}
				valid = slices.DeleteFunc(valid, over)
				for digest, stored := range store.all { // as stores do
					if !now.Before(stored.Expires) {
						delete(store.all, digest)
					}
				}
			case 4:
				tickets = NewStoredTickets(store, func() time.Time { return now })
			}
			store.before = nil
			for _, k := range gone {
				if _, err := tickets.redeem(k.value); !errors.Is(err, errTicket) {
					r.Fatalf("a ticket that is gone: %v", err)
				}
			}
		}
	})
}
