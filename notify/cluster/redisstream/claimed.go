package redisstream

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/roomcast/roomcast/notify"
)

// claimed is the value that the server stores in one step with the messages of a call. The messages
// get their ids in this step, so the server puts them into the value, too.
type claimed struct {
	in      *bucket
	key     string
	parts   []part
	size    int
	ttl     time.Duration
	expires time.Time
}

// part is a text of a value, and the number of the message whose id follows it; the last part has none.
type part struct {
	text    string
	message int // from 0; -1: none
}

// claimOf returns the claim of a call, if it is in a store of the same server. It returns nil when the
// value does not have the ids as texts. The caller stores it then.
func (l *Log) claimOf(ctx context.Context, messages []*notify.Message) *claimed {
	claim, value := notify.ClaimOf(ctx)
	if claim == nil {
		return nil
	}
	in, ok := claim.In.(*bucket)
	if !ok || in.c != l.of {
		return nil
	}
	parts := split(messages, value)
	if !slices.Equal(parts, split(messages, value)) { // something only looked like an id
		return nil
	}
	c := &claimed{in: in, key: claim.Key, parts: parts, ttl: claim.TTL,
		expires: l.of.o.Now().Add(claim.TTL)}
	c.parts[0].text = string(encode([]byte(parts[0].text), c.expires))
	for _, p := range parts {
		c.size += len(p.text) + 21
	}
	return c
}

// The ids that stand for others while split runs are of the years 2103 to 2109, and have numbers of
// standInDigits digits.
const (
	standInBegin  = 4_200_000_000_000
	standInEnd    = 4_390_000_000_000
	standInNumber = 2_000_000
	standInDigits = 7
)

// split returns a value in parts. The messages have other ids at each call, and none after it.
func split(messages []*notify.Message, value func() []byte) (parts []part) {
	ms := standInBegin + rand.Uint64N(standInEnd-standInBegin)
	for i, m := range messages {
		m.ID, _ = notify.StreamID(ms, standInNumber+uint64(i))
	}
	rest := value()
	for _, m := range messages {
		m.ID = notify.ID{}
	}
	prefix := strconv.AppendUint(nil, ms, 10)
	prefix = append(prefix, '-')
	for from := 0; ; {
		at := bytes.Index(rest[from:], prefix)
		if at < 0 {
			return append(parts, part{string(rest), -1})
		}
		number := from + at + len(prefix)
		from = number
		if number+standInDigits > len(rest) {
			continue
		}
		n, err := strconv.Atoi(string(rest[number : number+standInDigits]))
		if n -= standInNumber; err != nil || n < 0 || n >= len(messages) {
			continue
		}
		parts = append(parts, part{string(rest[:number-len(prefix)]), n})
		rest, from = rest[number+standInDigits:], 0
	}
}

// note counts the value as one that this node has stored.
func (c *claimed) note(ctx context.Context) {
	_ = c.in.note(ctx, c.key, c.size, c.expires) // the messages are stored, and values expire
}
