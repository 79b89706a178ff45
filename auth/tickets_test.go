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
		"token": {Secret: testSecret}, "ticket": {Mode: ModeTicket}, "open": {},
		"open with key": {Mode: ModeOpen, Secret: testSecret},
	} {
		for _, transport := range []Transport{SocketIO, EventSource} {
			t.Run(fmt.Sprint(name, transport), func(t *testing.T) {
				tickets := NewTickets(clock)
				o.Tickets = tickets
				a := newAuth(t, o)
				value, expires, err := tickets.Issue("alice", "Alice A.",
					[]string{"orders", "team-*"}, 10*time.Second)
				if err != nil || !expires.Equal(testNow.Add(10*time.Second)) || len(value) != 43 {
					t.Fatalf("ticket of %d bytes, until %s, %v", len(value), expires, err)
				}
				id, err := try(a, Credentials{Ticket: value}, transport)
				if err != nil || id.UserID != "alice" || id.Username != "Alice A." ||
					!id.Verified || id.Anonymous || !id.ExpiresAt.IsZero() {
					t.Errorf("identity %+v, %v", id, err)
				}
				if !id.MayJoin("orders") || !id.MayJoin("team-7") || id.MayJoin("user:bob") {
					t.Error("the rights are not those of the ticket")
				}
				if open := a.Mode() == ModeOpen; id.MayJoin("other") != open ||
					id.MayPublish("orders") != open {
					t.Errorf("other channels: join %t, publish %t", id.MayJoin("other"),
						id.MayPublish("orders"))
				}
				refused(t, a, Credentials{Ticket: value}, ErrInvalid) // used
				if tickets.Len() != 0 {
					t.Errorf("%d tickets are left", tickets.Len())
				}
			})
		}
	}
}

func TestTicketRefusals(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	a := newAuth(t, Options{Secret: testSecret, Tickets: tickets})
	for _, value := range []string{
		"x", strings.Repeat("A", 43), strings.Repeat("A", 44),
		strings.Repeat("é", 43), strings.Repeat("x", 1<<20),
	} {
		refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	}
	// A ticket with another user id is refused and used up.
	value := issue(t, tickets, "alice")
	refused(t, a, Credentials{Ticket: value, UserID: "bob"}, ErrInvalid)
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	same := Credentials{Ticket: issue(t, tickets, "alice"), UserID: "alice"}
	if id, err := try(a, same, EventSource); err != nil || id.UserID != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	// Expiry.
	value = issue(t, tickets, "alice")
	now = now.Add(MaxTicketTTL)
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	// Revocation.
	value, other := issue(t, tickets, "alice"), issue(t, tickets, "bob")
	if n, err := tickets.Revoke("alice"); n != 1 || err != nil {
		t.Errorf("%d tickets were revoked, want 1, %v", n, err)
	}
	refused(t, a, Credentials{Ticket: value}, ErrInvalid)
	if id, err := try(a, Credentials{Ticket: other}, SocketIO); err != nil || id.UserID != "bob" {
		t.Errorf("%+v, %v", id, err)
	}
	// A valid token takes precedence, and the ticket stays unused. An invalid token is refused even
	// with a valid ticket.
	value = issue(t, tickets, "bob")
	if id, err := try(a, Credentials{Ticket: value,
		Token: sign(t, good(jwt.MapClaims{"exp": now.Add(time.Hour).Unix()}))},
		SocketIO); err != nil || id.UserID != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	refused(t, a, Credentials{Ticket: value, Token: "x.y.z"}, ErrInvalid)
	// A cookie, which the browser adds, does not take precedence.
	withCookie := Credentials{Ticket: value, Token: "x.y.z", FromCookie: true}
	if id, err := try(a, withCookie, SocketIO); err != nil || id.UserID != "bob" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestTicketModeAcceptsTicketsOnly(t *testing.T) {
	a := newAuth(t, Options{Mode: ModeTicket, Tickets: NewTickets(clock)})
	refused(t, a, Credentials{}, ErrRequired)
	refused(t, a, Credentials{UserID: "alice"}, ErrRequired)
	refused(t, a, Credentials{Token: sign(t, good(nil))}, ErrRequired)
	refused(t, a, Credentials{Token: sign(t, good(nil)), FromCookie: true, OriginKnown: true},
		ErrRequired)
}

// Of a thousand connections with the same ticket, one is accepted.
func TestTicketIsAcceptedOnce(t *testing.T) {
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
		t.Errorf("%d connections were accepted, want 1", n)
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
		{"alice", "", []string{"ok", ""}, 0, "channels"},
		{"alice", "", many, 0, "channels: 65 patterns, expected at most 64"},
		{"alice", "", nil, 31 * time.Second, "ttl: got 31s, expected more than 0s and at most 30s"},
		{"alice", "", nil, -1, "ttl: got -1ns"},
	} {
		_, _, err := tickets.Issue(tt.user, tt.name, tt.channels, tt.ttl)
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %q %d %s: %v, want %q in it", tt.user, tt.name, len(tt.channels), tt.ttl,
				err, tt.want)
		}
	}
	if tickets.Len() != 0 {
		t.Errorf("%d tickets were issued", tickets.Len())
	}
}

func TestTicketsAreBounded(t *testing.T) {
	now := testNow
	tickets := NewTickets(func() time.Time { return now })
	tickets.backends.maxMemory /= 32 // to check fewer names
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
	if tickets.backends.memory > tickets.backends.maxMemory || n < 1000/32 {
		t.Errorf("%d tickets of %d bytes", n, tickets.backends.memory)
	}
	now = now.Add(MaxTicketTTL)
	issue(t, tickets, "alice")
	if tickets.Len() != 1 {
		t.Errorf("%d tickets, want 1: the others have expired", tickets.Len())
	}
	_, _ = tickets.Revoke("alice")
	if tickets.backends != (stock{maxTickets: maxTickets, maxMemory: maxTicketsMemory / 32}) || tickets.order.Len() != 0 {
		t.Errorf("%d bytes and %d entries are left", tickets.backends.memory, tickets.order.Len())
	}
}

// A backend signs its users in by its own means and requests a ticket, with which the page opens
// its stream.
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
	// Invalid token: the ticket is unknown, used or expired
}

func BenchmarkTicket(b *testing.B) {
	tickets := NewTickets(nil)
	a := newAuth(b, Options{Mode: ModeTicket, Tickets: tickets})
	b.ReportAllocs()
	for b.Loop() {
		_, err := try(a, Credentials{Ticket: issue(b, tickets, "alice", "team-*")}, EventSource)
		if err != nil {
			b.Fatal(err)
		}
	}
}
