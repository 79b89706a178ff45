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

// appendOnce adds entries and stores a value, or returns the value that the key has. KEYS: the stream,
// the key. ARGV: the time, how many milliseconds the server keeps the value, the length of the stream,
// the number of entries; for each, how many fields and values, and these; then the parts of the value,
// each with the number of the entry whose id follows it, from 1, or 0.
const appendOnce = `
local old = redis.call('GET', KEYS[2])
if old and (tonumber(string.sub(old, 1, 13)) or 0) > tonumber(ARGV[1]) then return {0, old} end
local i, ids = 5, {}
for e = 1, tonumber(ARGV[4]) do
	local n = tonumber(ARGV[i])
	local add = {'XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*'}
	for f = 1, n do add[6 + f] = ARGV[i + f] end
	ids[e] = redis.call(unpack(add))
	i = i + n + 1
end
local value = {}
while i < #ARGV do
	value[#value + 1] = ARGV[i]
	value[#value + 1] = ids[tonumber(ARGV[i + 1])]
	i = i + 2
end
redis.call('SET', KEYS[2], table.concat(value), 'PX', ARGV[2])
return {1, ids}`

// headOfAdd is how much of the command of add comes before the fields.
const headOfAdd = 6

// command returns the command for messages with the commands adds. It has the script and not its
// digest: a server that takes over, or restarts, does not know that.
func (c *claimed) command(l *Log, adds [][]any) []any {
	command := []any{"eval", appendOnce, 2, l.stream, c.in.prefix + c.key,
		l.of.o.Now().UnixMilli(), life(c.ttl).Milliseconds(), l.maxLen, len(adds)}
	for _, add := range adds {
		command = append(append(command, len(add)-headOfAdd), add[headOfAdd:]...)
	}
	for _, p := range c.parts {
		command = append(command, p.text, p.message+1)
	}
	return command
}

// note counts the value as one that this node has stored.
func (c *claimed) note(ctx context.Context) {
	_ = c.in.note(ctx, c.key, c.size, c.expires) // the messages are stored, and values expire
}
