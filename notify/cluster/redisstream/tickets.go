package redisstream

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/auth"
)

// Tickets is the auth.SharedTicketStore of a stream. A ticket is stored with the last revocation of
// its user, and is valid while that is the last one. So the order of both is that in which the
// server has got them, and no clock of a node counts. Only the server decides when a ticket
// expires.
//
// A replica that is promoted before it has everything may not know that a ticket was redeemed or
// revoked: for the rest of its 30 seconds the ticket is valid again.
type Tickets struct{ c *Client }

// Tickets returns the tickets that the nodes share.
func (c *Client) Tickets() Tickets { return Tickets{c} }

// revocationLife is longer than that of every ticket that a revocation makes invalid.
const revocationLife = 2 * auth.MaxTicketTTL

func (t Tickets) ticketKey(digest [sha256.Size]byte) string {
	return t.c.key("ticket:" + hex.EncodeToString(digest[:]))
}

func (t Tickets) revocationKey(userID string) string { return t.c.key("revoked:" + userID) }

// issueTicket stores the last revocation and, in the next lines, the user and the ticket. Nodes
// generate digests that nobody else has.
var issueTicket = redis.NewScript(`
local revocation = redis.call('GET', KEYS[2]) or ''
return redis.call('SET', KEYS[1], revocation .. '\n' .. ARGV[1], 'PX', ARGV[2], 'NX')`)

// Issue implements auth.SharedTicketStore.
func (t Tickets) Issue(userID string, ticket auth.StoredTicket, life time.Duration) error {
	return t.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		keys := []string{t.ticketKey(ticket.Digest), t.revocationKey(userID)}
		text := userID + "\n" + string(ticket.Value)
		return issueTicket.Run(ctx, r, keys, text, max(life, time.Millisecond).Milliseconds()).Err()
	})
}

// Redeem implements auth.SharedTicketStore.
func (t Tickets) Redeem(digest [sha256.Size]byte) (value []byte, err error) {
	key := t.ticketKey(digest)
	var found, last *redis.StringCmd
	err = t.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		// The name of the user comes first, so that the ticket is not used up when the revocation
		// cannot be read.
		text, err := r.Get(ctx, key).Result()
		if err != nil {
			return err
		}
		_, userID, _, ok := cutTicket(text)
		if !ok { // not one of ours
			return redis.Nil
		}
		err = transact(ctx, r, func(p redis.Pipeliner) {
			found, last = p.GetDel(ctx, key), p.Get(ctx, t.revocationKey(userID))
		})
		if errors.Is(err, redis.Nil) { // of one of the two, or of both
			return nil
		}
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	revocation, _, ticket, ok := cutTicket(found.Val())
	if found.Err() != nil || !ok || last.Val() != revocation {
		return nil, nil
	}
	return []byte(ticket), nil
}

// cutTicket splits what issueTicket has stored. A user's id has no line feed.
func cutTicket(text string) (revocation, userID, ticket string, ok bool) {
	revocation, rest, _ := strings.Cut(text, "\n")
	userID, ticket, ok = strings.Cut(rest, "\n")
	return revocation, userID, ticket, ok
}

// Revoke implements auth.SharedTicketStore.
func (t Tickets) Revoke(userID string) error {
	return t.c.do(context.Background(), func(ctx context.Context, r *redis.Client) error {
		return r.Set(ctx, t.revocationKey(userID), rand.Text(), revocationLife).Err()
	})
}
