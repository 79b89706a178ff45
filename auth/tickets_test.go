package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func issue(t testing.TB, tickets *Tickets, user string, channels ...string) string {
	t.Helper()
	value, _, err := tickets.Issue(user, "", channels, 0)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTicketOpensOneConnection(t *testing.T) {
	for name, o := range map[string]Options{
		"token": {Secret: testSecret}, "ticket": {Mode: ModeTicket}, "open": {}, "open with key": {Mode: ModeOpen, Secret: testSecret},
	} {
		for _, transport := range []Transport{SocketIO, EventSource} {
			t.Run(fmt.Sprint(name, transport), func(t *testing.T) {
				tickets := NewTickets(clock)
				o.Tickets = tickets
				a := newAuth(t, o)
				value, expires, err := tickets.Issue("alice", "Alice A.", []string{"orders", "team-*"}, 10*time.Second)
				if err != nil || !expires.Equal(testNow.Add(10*time.Second)) || len(value) != 43 {
					t.Fatalf("ticket of %d bytes, until %s, %v", len(value), expires, err)
				}
				id, err := try(a, Credentials{Ticket: value}, transport)
				if err != nil || id.UserID != "alice" || id.Username != "Alice A." || !id.Verified || id.Anonymous || !id.ExpiresAt.IsZero() {
					t.Errorf("identity %+v, %v", id, err)
				}
				if !id.MayJoin("orders") || !id.MayJoin("team-7") || id.MayJoin("user:bob") {
					t.Error("the channels of the ticket may not be joined, or more may")
				}
				if open := a.Mode() == ModeOpen; id.MayJoin("other") != open || id.MayPublish("orders") != open {
					t.Errorf("other channels: join %t, publish %t", id.MayJoin("other"), id.MayPublish("orders"))
				}
				refused(t, a, Credentials{Ticket: value}, ErrInvalid) // used
				if tickets.Len() != 0 {
					t.Errorf("%d tickets are kept", tickets.Len())
				}
			})
		}
	}
}

func TestTicketRefusals(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	a := newAuth(t, Options{Secret: testSecret, Tickets: tickets})
	for _, value := range []string{"x", strings.Repeat("A", 43), strings.Repeat("A", 44), strings.Repeat("é", 43), strings.Repeat("x", 1<<20)} {
		refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	}
	// A ticket names one user; whoever else is named with it does not get in, and it is used up.
	value := issue(t, tickets, "alice")
	refused(t, a, Credentials{Ticket: value, UserID: "bob"}, ErrInvalid)
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	if id, err := try(a, Credentials{Ticket: issue(t, tickets, "alice"), UserID: "alice"}, EventSource); err != nil || id.UserID != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	// It ends.
	value = issue(t, tickets, "alice")
	now = now.Add(MaxTicketTTL)
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	// It is taken back.
	value, other := issue(t, tickets, "alice"), issue(t, tickets, "bob")
	if n := tickets.Revoke("alice"); n != 1 {
		t.Errorf("%d tickets were revoked, want 1", n)
	}
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	if id, err := try(a, Credentials{Ticket: other}, SocketIO); err != nil || id.UserID != "bob" {
		t.Errorf("%+v, %v", id, err)
	}
	// A valid token has precedence, and the ticket stays good. An invalid one does not let the ticket in.
	value = issue(t, tickets, "bob")
	if id, err := try(a, Credentials{Ticket: value, Token: sign(t, good(jwt.MapClaims{"exp": now.Add(time.Hour).Unix()}))}, SocketIO); err != nil || id.UserID != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	refused(t, a, Credentials{Ticket: value, Token: "x.y.z"}, ErrInvalid)
	// A cookie, which the browser adds, has not.
	if id, err := try(a, Credentials{Ticket: value, Token: "x.y.z", FromCookie: true}, SocketIO); err != nil || id.UserID != "bob" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestTicketModeBelievesNothingElse(t *testing.T) {
	a := newAuth(t, Options{Mode: ModeTicket, Tickets: NewTickets(clock)})
	refused(t, a, Credentials{}, ErrRequired)
	refused(t, a, Credentials{UserID: "alice"}, ErrRequired)
	refused(t, a, Credentials{Token: sign(t, good(nil))}, ErrRequired)
	refused(t, a, Credentials{Token: sign(t, good(nil)), FromCookie: true, OriginKnown: true}, ErrRequired)
}

// Of a thousand connections that show the same ticket, one is let in.
func TestTicketIsUsedOnceByMany(t *testing.T) {
	tickets := NewTickets(nil)
	a := newAuth(t, Options{Tickets: tickets})
	c := Credentials{Ticket: issue(t, tickets, "alice")}
	var in atomic.Int64
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			if _, err := try(a, c, EventSource); err == nil {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if n := in.Load(); n != 1 {
		t.Errorf("%d were let in", n)
	}
}

func TestIssueChecksItsArguments(t *testing.T) {
	tickets := NewTickets(clock)
	many := make([]string, MaxTicketChannels+1)
	for i := range many {
		many[i] = fmt.Sprint("c", i)
	}
	for _, tt := range []struct {
		user, name string
		channels   []string
		ttl        time.Duration
		want       string
	}{
		{"", "", nil, 0, "userId"},
		{"a\nb", "", nil, 0, "userId"},
		{strings.Repeat("x", 129), "", nil, 0, "userId"},
		{"alice", " x", nil, 0, "username"},
		{"alice", "", []string{"ok", ""}, 0, "channels"},
		{"alice", "", many, 0, "channels: 65 patterns, expected at most 64"},
		{"alice", "", nil, 31 * time.Second, "ttl: got 31s, expected more than 0s and at most 30s"},
		{"alice", "", nil, -1, "ttl: got -1ns"},
	} {
		_, _, err := tickets.Issue(tt.user, tt.name, tt.channels, tt.ttl)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q %d %s: %v, want %q in it", tt.user, tt.name, len(tt.channels), tt.ttl, err, tt.want)
		}
	}
	if tickets.Len() != 0 {
		t.Errorf("%d tickets came of it", tickets.Len())
	}
}

func TestTicketsAreBounded(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	channels := make([]string, MaxTicketChannels)
	for i := range channels {
		channels[i] = strings.Repeat("c", 200)
	}
	n := 0
	for ; ; n++ {
		if _, _, err := tickets.Issue("alice", "", channels, 0); err != nil {
			var full *Error
			if !errors.As(err, &full) || full.Status != 503 || full.RetryAfter != MaxTicketTTL {
				t.Fatalf("error %v", err)
			}
			break
		}
	}
	if tickets.memory > maxTicketsMemory || n < 1000 {
		t.Errorf("%d tickets of %d bytes", n, tickets.memory)
	}
	now = now.Add(MaxTicketTTL)
	issue(t, tickets, "alice")
	if tickets.Len() != 1 {
		t.Errorf("%d tickets, want 1: the others have ended", tickets.Len())
	}
	tickets.Revoke("alice")
	if tickets.memory != 0 || tickets.order.Len() != 0 {
		t.Errorf("%d bytes, %d entries of nothing", tickets.memory, tickets.order.Len())
	}
}

// A backend that signs its users in by its own means asks for a ticket, and the page opens its stream with it.
func ExampleTickets_Issue() {
	tickets := NewTickets(nil)
	a, err := New(Options{Mode: ModeTicket, Tickets: tickets})
	if err != nil {
		panic(err)
	}
	value, _, err := tickets.Issue("alice", "Alice", []string{"team-*"}, 10*time.Second)
	if err != nil {
		panic(err)
	}
	c := FromRequest(httptest.NewRequest("GET", "/sse?ticket="+value, nil))
	id, err := a.Authenticate(context.Background(), c, EventSource)
	fmt.Println(id.UserID, id.MayJoin("team-7"), id.MayJoin("orders"), err)
	_, err = a.Authenticate(context.Background(), c, EventSource)
	fmt.Println(err)
	// Output:
	// alice true false <nil>
	// Invalid token: the ticket is unknown, used or too old
}

func BenchmarkTicket(b *testing.B) {
	tickets := NewTickets(nil)
	a := newAuth(b, Options{Mode: ModeTicket, Tickets: tickets})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := try(a, Credentials{Ticket: issue(b, tickets, "alice", "team-*")}, EventSource); err != nil {
			b.Fatal(err)
		}
	}
}

// A ticket that a client gets for itself opens the connection that its own credentials would, with their end.
func TestTicketOfAnIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		show Credentials
	}{
		"token": {Options{Secret: testSecret}, Credentials{Token: sign(t, good(jwt.MapClaims{
			"sub": "alice", "name": "Alice A.", "channels": []string{"team-*"}, "publish": []string{"team-7"}, "exp": testNow.Add(time.Hour).Unix()}))}},
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
			value, expires, err := tickets.IssueFor(direct)
			if err != nil || !expires.Equal(testNow.Add(MaxTicketTTL)) {
				t.Fatalf("until %s, %v", expires, err)
			}
			for _, transport := range []Transport{SocketIO, EventSource} {
				id, err := try(a, Credentials{Ticket: value, Username: "Mallory"}, transport)
				if err != nil || fmt.Sprintf("%#v", id) != fmt.Sprintf("%#v", direct) {
					t.Errorf("identity %#v, %v, want %#v", id, err, direct)
				}
				refused(t, a, Credentials{Ticket: value}, ErrInvalid) // used
				value, _, _ = tickets.IssueFor(direct)
			}
			refused(t, a, Credentials{Ticket: value, UserID: "bob"}, ErrInvalid)
		})
	}
}

func TestTicketOfAnIdentityEnds(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	id := Identity{UserID: "alice", ExpiresAt: testNow.Add(10 * time.Second)}
	value, expires, err := tickets.IssueFor(id)
	if err != nil || !expires.Equal(id.ExpiresAt) {
		t.Fatalf("until %s, %v, want the end of the token", expires, err)
	}
	now = id.ExpiresAt
	if _, err := tickets.redeem(value); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the token's end: %v", err)
	}
	if _, _, err := tickets.IssueFor(id); !errors.Is(err, ErrExpired) {
		t.Errorf("for a token that has ended: %v", err)
	}
	if _, _, err := tickets.IssueFor(Identity{UserID: Anonymous, Anonymous: true}); !errors.Is(err, ErrRequired) {
		t.Errorf("for nobody: %v", err)
	}
}

// One user cannot take the place of all others' tickets.
func TestTicketsOfAnIdentityAreBounded(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	alice, bob := Identity{UserID: "alice"}, Identity{UserID: "bob"}
	var value string
	for range maxOwnTickets {
		value, _, _ = tickets.IssueFor(alice)
	}
	_, _, err := tickets.IssueFor(alice)
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "rate_limited" || refused.Status != 429 || refused.RetryAfter != MaxTicketTTL {
		t.Errorf("one more: %v", err)
	}
	if _, _, err := tickets.IssueFor(bob); err != nil {
		t.Errorf("another user: %v", err)
	}
	if _, _, err := tickets.Issue("alice", "", nil, 0); err != nil {
		t.Errorf("by a backend: %v", err)
	}
	if _, err := tickets.redeem(value); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tickets.IssueFor(alice); err != nil {
		t.Errorf("after one was used: %v", err)
	}
	now = now.Add(MaxTicketTTL)
	if _, _, err := tickets.IssueFor(alice); err != nil {
		t.Errorf("after all have ended: %v", err)
	}
	if n := tickets.Revoke("alice"); n != 1 || tickets.Len() != 0 || len(tickets.own) != 0 || tickets.memory != 0 {
		t.Errorf("%d revoked, %d left, counted %v, %d bytes", n, tickets.Len(), tickets.own, tickets.memory)
	}
}
