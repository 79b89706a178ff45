package redisstream

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roomcast/roomcast/auth"
	"github.com/roomcast/roomcast/server/servertest"
	"github.com/roomcast/roomcast/server/servertest/redistest"
)

// node is one that issues and accepts tickets.
type node struct {
	*auth.Tickets
	a *auth.Authenticator
}

func newNode(t testing.TB, c *Client) node {
	t.Helper()
	tickets := auth.NewSharedTickets(c.Tickets(), nil)
	a, err := auth.New(auth.Options{Mode: auth.ModeTicket, Tickets: tickets})
	if err != nil {
		t.Fatal(err)
	}
	return node{tickets, a}
}

func (n node) redeem(t testing.TB, ticket string) (auth.Identity, error) {
	return n.a.Authenticate(t.Context(), auth.Credentials{Ticket: ticket}, auth.EventSource)
}

func (n node) issue(t testing.TB, userID string) string {
	t.Helper()
	value, _, err := n.Issue(userID, "Name", []string{"team-*"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTickets(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, other := newNode(t, c), newNode(t, dial(t, options(s.URL())))
	value := one.issue(t, "alice")
	keys := s.Do(t, "KEYS", "*")
	if list := keys.([]any); len(list) != 1 ||
		!strings.HasPrefix(list[0].(string), "roomcast:{socket.io}:ticket:") {
		t.Errorf("the keys are %q", keys)
	}
	id, err := other.redeem(t, value)
	if err != nil || id.UserID != "alice" || id.Username != "Name" || !id.MayJoin("team-7") ||
		id.MayJoin("other") {
		t.Errorf("%+v %v", id, err)
	}
	for _, n := range []node{one, other} {
		if _, err := n.redeem(t, value); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("a used ticket: %v", err)
		}
	}
	if s.Do(t, "DBSIZE") != int64(0) {
		t.Errorf("left: %q", s.Do(t, "KEYS", "*"))
	}
}

// Of many redemptions on two nodes one succeeds.
func TestTicketIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	nodes := []node{newNode(t, c), newNode(t, dial(t, options(s.URL())))}
	for range 5 {
		value := nodes[0].issue(t, "alice")
		var accepted atomic.Int32
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch _, err := nodes[i%2].redeem(t, value); {
				case err == nil:
					accepted.Add(1)
				case !errors.Is(err, auth.ErrInvalid):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if accepted.Load() != 1 {
			t.Errorf("%d redemptions", accepted.Load())
		}
	}
}

// A revocation reaches the tickets of all nodes that were issued before it, and no later ones.
func TestTicketsAreRevoked(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	one, other := newNode(t, c), newNode(t, dial(t, options(s.URL())))
	for range 3 { // also after earlier revocations
		before := []string{one.issue(t, "alice"), other.issue(t, "alice")}
		bobs := one.issue(t, "bob")
		if n, err := one.Revoke("alice"); n != 1 || err != nil {
			t.Errorf("%d revoked: %v", n, err)
		}
		after := other.issue(t, "alice")
		for i, value := range before {
			for _, n := range []node{one, other} {
				if _, err := n.redeem(t, value); !errors.Is(err, auth.ErrInvalid) {
					t.Errorf("revoked ticket %d: %v", i, err)
				}
			}
		}
		if _, err := one.redeem(t, after); err != nil {
			t.Errorf("a ticket after the revocation: %v", err)
		}
		if _, err := other.redeem(t, bobs); err != nil {
			t.Errorf("another user's: %v", err)
		}
	}
	left := s.Do(t, "PTTL", "roomcast:{socket.io}:revoked:alice").(int64)
	if left <= auth.MaxTicketTTL.Milliseconds() || left > revocationLife.Milliseconds() {
		t.Errorf("the revocation is kept for %d ms", left)
	}
}

// The server decides when a ticket expires.
func TestTicketExpires(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	n := newNode(t, c)
	value, _, err := n.Issue("alice", "", nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	key := s.Do(t, "KEYS", "*").([]any)[0].(string)
	if left := s.Do(t, "PTTL", key).(int64); left <= 0 || left > 5000 {
		t.Errorf("a ticket of 5 s expires in %d ms", left)
	}
	s.Do(t, "PEXPIRE", key, "1")
	servertest.Eventually(t, "the ticket expires", func() bool {
		return s.Do(t, "EXISTS", key) == int64(0)
	})
	if _, err := n.redeem(t, value); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("an expired ticket: %v", err)
	}
}

// Without the server nothing is issued, accepted or revoked, and clients are told to try again.
func TestTicketsWithoutServer(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*redistest.Server){
		"away":   func(s *redistest.Server) { s.Kill() },
		"silent": func(s *redistest.Server) { s.Pause(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := start(t)
			n := newNode(t, c)
			value := n.issue(t, "alice")
			fail(s)
			_, _, issued := n.IssueFor(auth.Identity{UserID: "bob"}, netip.Addr{})
			_, redeemed := n.redeem(t, value)
			_, revoked := n.Revoke("alice")
			for call, err := range map[string]error{
				"IssueFor": issued, "redeem": redeemed, "Revoke": revoked,
			} {
				var refused *auth.Error
				if !errors.As(err, &refused) || refused.Status != 503 || refused.Code != "unavailable" ||
					!errors.Is(err, ErrUnavailable) {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
}

// A redemption that fails at its first command, which only reads, leaves the ticket valid.
func TestTicketReplyLost(t *testing.T) {
	t.Parallel()
	_, c, d := startDeaf(t)
	n := newNode(t, c)
	value := n.issue(t, "alice")
	d.next.Store(true)
	if _, err := n.redeem(t, value); !errors.Is(err, auth.ErrTicketsUnavailable) {
		t.Errorf("the first attempt: %v", err)
	}
	if _, err := n.redeem(t, value); err != nil {
		t.Errorf("the second: %v", err)
	}
	if _, err := n.redeem(t, value); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("the third: %v", err)
	}
}

// What another program has written in the place of a ticket is none.
func TestForeignTickets(t *testing.T) {
	t.Parallel()
	s, c := start(t)
	digest := sha256.Sum256([]byte("x"))
	for _, foreign := range []string{"", "x", "\n", "\nuser\n{", "a\nb"} {
		s.Do(t, "SET", c.Tickets().ticketKey(digest), foreign)
		value, err := c.Tickets().Redeem(digest)
		if err != nil || value != nil && foreign != "\nuser\n{" {
			t.Errorf("%q: %q %v", foreign, value, err)
		}
	}
}
