package redisstream

import (
	"slices"

	"github.com/roomcast/roomcast/notify"
)

// appendAll adds entries, and in the same step stores what they retain, and the value of a claim. If
// the claim has a value already, it returns that and adds nothing. Without a claim it returns the ids.
// It also writes then, because a WAIT covers the writes of its connection only: the value, and the
// messages that were stored with it, come before this write.
//
// KEYS: the stream, the hash of what is retained, the set of when that is over, and the key of a claim
// if there is one. ARGV: the time, how many milliseconds the server keeps the value, the length of the
// stream, the number of entries, whether one is retained; for each entry, how many fields and values, the
// field of the hash or nothing, the time at which the TTL is over, the TTL or 0, the fields and values;
// then the parts of the value of the claim, each with the number of the entry whose id follows it, from 1,
// or 0.
//
// An error of a command leaves what the script has done. So it begins with those that fail when another
// program has taken a key for something else.
//
// The first number of an id is the time of the server. By that, each entry that is retained removes up
// to 16 others whose TTL is over, so that these do not fill the server.
const appendAll = `
if KEYS[4] then
	local old = redis.call('GET', KEYS[4])
	if old and (tonumber(string.sub(old, 1, 13)) or 0) > tonumber(ARGV[1]) then
		redis.call('PEXPIRE', KEYS[4], ARGV[2])
		return {0, old}
	end
end
if ARGV[5] == '1' then
	redis.call('HGET', KEYS[2], '')
	redis.call('ZRANGEBYSCORE', KEYS[3], 1, 0)
end
local i, ids = 6, {}
for e = 1, tonumber(ARGV[4]) do
	local n, slot, over, ttl = tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
	local add = {'XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*'}
	for f = 1, n do add[6 + f] = ARGV[i + 3 + f] end
	local id = redis.call(unpack(add))
	ids[e] = id
	i = i + n + 4
	if slot ~= '' then
		local value = {id, ' '}
		for f = 7, #add do value[#value + 1] = #add[f] .. ':' .. add[f] end
		redis.call('HSET', KEYS[2], slot, table.concat(value))
		local now = tonumber(string.match(id, '^%d+'))
		if ttl > 0 then
			redis.call('ZADD', KEYS[3], math.max(over, now + ttl), slot)
		else
			redis.call('ZREM', KEYS[3], slot)
		end
		for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 16)) do
			redis.call('HDEL', KEYS[2], gone)
			redis.call('ZREM', KEYS[3], gone)
		end
	end
end
if not KEYS[4] then return ids end
local value = {}
while i < #ARGV do
	value[#value + 1] = ARGV[i]
	value[#value + 1] = ids[tonumber(ARGV[i + 1])]
	i = i + 2
end
redis.call('SET', KEYS[4], table.concat(value), 'PX', ARGV[2])
return {1, ids}`

// headOfAdd is how much of the command of add comes before the fields.
const headOfAdd = 6

// script returns the command for messages with the commands adds. It has the script and not its
// digest: a server that takes over, or restarts, does not know that.
func (l *Log) script(c *call, adds [][]any) []any {
	command := []any{"eval", appendAll, 3, l.stream, l.c.retainedKey(), l.c.retainedEndsKey()}
	now, kept := int64(0), int64(0)
	if c.claim != nil {
		command[2] = 4
		command = append(command, c.claim.in.prefix+c.claim.key)
		now, kept = l.of.o.Now().UnixMilli(), life(c.claim.ttl).Milliseconds()
	}
	retains := slices.ContainsFunc(c.messages, func(m *notify.Message) bool { return m.Retain })
	command = append(command, now, kept, l.maxLen, len(adds), retains)
	for i, add := range adds {
		command = append(command, len(add)-headOfAdd)
		command = append(append(command, retainedArgs(c.messages[i])...), add[headOfAdd:]...)
	}
	if c.claim != nil {
		for _, p := range c.claim.parts {
			command = append(command, p.text, p.message+1)
		}
	}
	return command
}
