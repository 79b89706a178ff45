package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A ticket of a client opens a connection with the rights and the expiry of the client's
// credentials.
func TestTicketOfAnIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		show Credentials
	}{
		"token": {Options{Secret: testSecret}, Credentials{Token: sign(t, good(jwt.MapClaims{
			"sub": "alice", "name": "Alice A.", "channels": []string{"team-*"},
			"publish": []string{"team-7"}, "exp": testNow.Add(time.Hour).Unix()}))}},
		"user id": {Options{}, Credentials{UserID: "alice", Username: "Alice A."}},
	} {
		t.Run(name, func(t *testing.T) {
			tickets := NewTickets(clock)
			c.o.Tickets = tickets
			a := newAuth(t, c.o)
			direct, err := try(a, c.show, EventSource)
			if err != nil {
				t.Fatal(err)
			}
			value, expires, err := tickets.IssueFor(direct, netip.Addr{})
			if err != nil || !expires.Equal(testNow.Add(MaxTicketTTL)) {
				t.Fatalf("until %s, %v", expires, err)
			}
			for _, transport := range []Transport{SocketIO, EventSource} {
				id, err := try(a, Credentials{Ticket: value, Username: "Mallory"}, transport)
				if err != nil || fmt.Sprintf("%#v", id) != fmt.Sprintf("%#v", direct) {
					t.Errorf("identity %#v, %v, want %#v", id, err, direct)
				}
				refused(t, a, Credentials{Ticket: value}, ErrInvalid) // used
				value, _, _ = tickets.IssueFor(direct, netip.Addr{})
			}
			refused(t, a, Credentials{Ticket: value, UserID: "bob"}, ErrInvalid)
		})
	}
}

func TestTicketOfAnIdentityExpires(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	id := Identity{UserID: "alice", ExpiresAt: testNow.Add(10 * time.Second)}
	value, expires, err := tickets.IssueFor(id, netip.Addr{})
	if err != nil || !expires.Equal(id.ExpiresAt) {
		t.Fatalf("until %s, %v, want the end of the token", expires, err)
	}
	now = id.ExpiresAt
	if _, err := tickets.redeem(value); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the expiry of the token: %v", err)
	}
	if _, _, err := tickets.IssueFor(id, netip.Addr{}); !errors.Is(err, ErrExpired) {
		t.Errorf("for an expired token: %v", err)
	}
	anonymous := Identity{UserID: Anonymous, Anonymous: true}
	if _, _, err := tickets.IssueFor(anonymous, netip.Addr{}); !errors.Is(err, ErrRequired) {
		t.Errorf("for an anonymous identity: %v", err)
	}
}

// The tickets of one user are bounded, so that they leave room for others.
func TestTicketsOfAnIdentityAreBounded(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	alice, bob := Identity{UserID: "alice"}, Identity{UserID: "bob"}
	var value string
	for range maxOwnTickets {
		value, _, _ = tickets.IssueFor(alice, netip.Addr{})
	}
	_, _, err := tickets.IssueFor(alice, netip.Addr{})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "rate_limited" || refused.Status != 429 ||
		refused.RetryAfter != MaxTicketTTL {
		t.Errorf("one ticket more: %v", err)
	}
	if _, _, err := tickets.IssueFor(bob, netip.Addr{}); err != nil {
		t.Errorf("another user: %v", err)
	}
	if _, _, err := tickets.Issue("alice", "", nil, 0); err != nil {
		t.Errorf("for a backend: %v", err)
	}
	if _, err := tickets.redeem(value); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tickets.IssueFor(alice, netip.Addr{}); err != nil {
		t.Errorf("after one was used: %v", err)
	}
	now = now.Add(MaxTicketTTL)
	if _, _, err := tickets.IssueFor(alice, netip.Addr{}); err != nil {
		t.Errorf("after all have expired: %v", err)
	}
	n, err := tickets.Revoke("alice")
	if n != 1 || err != nil || tickets.Len() != 0 || len(tickets.own) != 0 || tickets.clients.memory != 0 {
		t.Errorf("%d revoked, %d left, counted %v, %d bytes", n, tickets.Len(), tickets.own,
			tickets.clients.memory)
	}
}
