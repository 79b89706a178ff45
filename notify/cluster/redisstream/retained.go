package redisstream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify"
	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

var _ notify.SharedRetained = (*Log)(nil)

// retainedKey is a hash. A field is the slot of a room and a type, its value a nodewire.Stored.
func (c *Client) retainedKey() string { return c.key("retained") }

// retainedEndsKey is a sorted set of the slots with a TTL, by the time at which that is over.
func (c *Client) retainedEndsKey() string { return c.key("retained:ends") }

// retainedSlot returns the field of a room and a type.
func retainedSlot(room, kind string) string {
	return strconv.Itoa(len(room)) + ":" + room + kind
}

// retainedArgs returns what the script appendAll needs to retain a message.
func retainedArgs(m *notify.Message) []any {
	if !m.Retain {
		return []any{"", 0, 0}
	}
	ttl := m.TTL.Milliseconds()
	if m.TTL%time.Millisecond > 0 {
		ttl++
	}
	return []any{retainedSlot(m.Rooms[0], m.Type), m.Timestamp.UnixMilli() + ttl, ttl}
}

// CatchUp implements notify.SharedRetained. It takes [Timeout] at most.
func (l *Log) CatchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.c.timeout)
	defer cancel()
	entries, err := readRange(l.do(ctx, [][]any{{"xrevrange", l.stream, "+", "-", "count", 1}})[0])
	if err != nil {
		return l.c.clean(err)
	}
	if len(entries) == 0 {
		return nil
	}
	return l.Wait(ctx, entries[0].id.position())
}

// deleteAll deletes retained messages that have still their ids, and adds an entry for each, which
// other nodes read after those that were before. KEYS: as of appendAll. ARGV: the length of the stream;
// for each, the slot, the id, and the field rc of the entry. It returns the ids of the entries.
const deleteAll = `
local ids = {}
for i = 2, #ARGV, 3 do
	local value = redis.call('HGET', KEYS[2], ARGV[i])
	local id = ARGV[i + 1] .. ' '
	if value and string.sub(value, 1, #id) == id then
		ids[#ids + 1] = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'rc', ARGV[i + 2])
		redis.call('HDEL', KEYS[2], ARGV[i])
		redis.call('ZREM', KEYS[3], ARGV[i])
	end
end
return ids`

// retainedStep is how many retained messages one command deletes.
const retainedStep = 256

// DeleteRetained implements notify.SharedRetained.
func (l *Log) DeleteRetained(ctx context.Context, all []notify.RetainedID) (deleted int, err error) {
	for some := range slices.Chunk(all, retainedStep) {
		n, err := l.deleteRetained(ctx, some)
		if deleted += n; err != nil {
			return deleted, err
		}
	}
	if deleted == 0 && l.c.o.Replicate { // a call whose outcome is not known may have deleted them
		err = l.c.confirm(ctx, func(ctx context.Context, p redis.Pipeliner) {
			p.Set(ctx, l.c.key("confirmed"), "1", Timeout)
		})
	}
	return deleted, err
}

func (l *Log) deleteRetained(ctx context.Context, all []notify.RetainedID) (deleted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.c.timeout)
	defer cancel()
	command := []any{"eval", deleteAll, 3, l.stream, l.c.retainedKey(), l.c.retainedEndsKey(), l.maxLen}
	for _, d := range all {
		e := nodewire.Entry{UID: l.uid, Signal: nodewire.Signal{Kind: nodewire.SignalDelete, Deleted: d}}
		f, err := e.Fields()
		if err != nil {
			return 0, err
		}
		id := nodewire.AppendStreamID(nil, d.ID)
		command = append(command, retainedSlot(d.Room, d.Type), string(id), f.RC)
	}
	commands := [][]any{command}
	if l.c.o.Replicate {
		commands = append(commands, waitForReplica)
	}
	replies := l.do(ctx, commands)
	texts, err := replies[0].StringSlice()
	if err != nil || len(texts) == 0 {
		return 0, l.c.cleaned(err)
	}
	if l.c.o.Replicate {
		if err := l.c.replicated(replies[1]); err != nil {
			return 0, err
		}
	}
	last, ok := parseID(texts[len(texts)-1])
	if !ok {
		return 0, fmt.Errorf("%w: %w", notify.ErrUncertain, errReply)
	}
	wait, stop := context.WithTimeout(ctx, l.pending.patience)
	defer stop()
	_ = l.Wait(wait, last.position()) // they are deleted, also if this node is late
	return len(texts), nil
}

// cleaned is clean for an error that can be nil.
func (c *Client) cleaned(err error) error {
	if err == nil {
		return nil
	}
	return c.clean(err)
}
