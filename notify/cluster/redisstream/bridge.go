package redisstream

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// bridgeMaxAge is how much older than the newest entry of the stream an entry may be when a bridge begins:
// it does not publish what was sent hours ago, while no node had a bridge.
const bridgeMaxAge = 5 * time.Minute

// bridge reads the stream and publishes its entries to servers with the pub/sub adapter, in their order,
// except those that came from these servers.
//
// Its position is a key in Redis that changes in one step with what is published, so everything is
// published once, whichever node has the lock, and also when a reply is lost.
type bridge struct {
	g    *Ingest
	l    *Log
	term string // the value of the lock
	pager

	position string // the entry up to which everything is published; empty: to be read
	isBehind bool   // entries after the position may have been dropped
}

func newBridge(g *Ingest, term string) *bridge {
	return &bridge{g: g, l: g.l, term: term, pager: pager{page: firstPage}}
}

func (b *bridge) key() string { return b.l.c.key("bridge") }

// run publishes until ctx ends. It begins when the node listens: servers answer to what they get.
func (b *bridge) run(ctx context.Context, listening <-chan struct{}) {
	b.g.bridged.Store(time.Now().UnixMilli())
	defer b.g.bridged.Store(0)
	for _, begun := range []<-chan struct{}{b.l.known, listening} {
		select {
		case <-begun:
		case <-ctx.Done():
			return
		}
	}
	for wait := newBackoff(); ctx.Err() == nil; {
		err := b.find(ctx)
		for err == nil && b.position != "" {
			if err = b.step(ctx); err == nil {
				wait = newBackoff()
			}
		}
		if b.position, b.isSure = "", false; err != nil { // which the client has told
			wait.sleep(ctx)
		}
	}
}

// step publishes the next entries. It waits for them.
func (b *bridge) step(ctx context.Context) error {
	entries, err := b.read(ctx)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if err := b.publish(ctx, entries); err != nil || b.position == "" {
			return err
		}
	}
	if b.isBehind = !b.isSure; b.isSure {
		b.g.bridged.Store(time.Now().UnixMilli())
	}
	return nil
}

// find reads the position. Without one there was no bridge before this node began, or the server has lost
// everything, also the entry with which this node began, and all of the stream is new.
func (b *bridge) find(ctx context.Context) error {
	up := b.l.up.String()
	replies := b.l.fetch(ctx, 1, [][]any{{"get", b.key()}, {"xrange", b.l.stream, up, up},
		{"xrevrange", b.l.stream, "+", "-", "count", 1}})
	known, err := replies[0].Text()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	begun, err := readRange(replies[1])
	if err != nil {
		return err
	}
	newest, err := readRange(replies[2])
	if err != nil {
		return err
	}
	var from streamID
	if at, ok := parseID(known); ok {
		from = at
	} else if len(begun) > 0 {
		from = b.l.up
	}
	if age := uint64(bridgeMaxAge.Milliseconds()); len(newest) > 0 && newest[0].id.ms > from.ms+age {
		from = streamID{ms: newest[0].id.ms - age}
	}
	if to := from.String(); to != known {
		return b.move(ctx, known, to, nil)
	}
	b.position, b.isBehind = known, true
	return nil
}

// read returns the entries after the position.
func (b *bridge) read(ctx context.Context) ([]entry, error) {
	if !b.isBehind {
		return b.l.readPage(ctx, &b.pager, b.position)
	}
	oldest := redis.NewCmd(ctx, "xrange", b.l.stream, "-", "+", "count", 1)
	entries, err := b.l.readPage(ctx, &b.pager, b.position, oldest)
	if err == nil {
		err = b.warn(oldest)
	}
	return entries, err
}

// warn tells that entries after the position have been dropped before they were read, if the oldest entry
// is a later one.
func (b *bridge) warn(reply *redis.Cmd) error {
	oldest, err := readRange(reply)
	if at, _ := parseID(b.position); err == nil && len(oldest) > 0 && oldest[0].id.compare(at) > 0 {
		b.l.c.o.Log.Warn("the stream may have dropped entries that servers with the pub/sub adapter have not got",
			zap.String("published", b.position), zap.Stringer("continues with", oldest[0].id))
	}
	return err
}

// publish publishes entries, and moves the position behind them. It does so in parts, because Redis ends
// the connection of a subscriber that is sent 32 MiB at once.
func (b *bridge) publish(ctx context.Context, entries []entry) error {
	var messages []any
	to, size := "", 0
	for i := range entries {
		message := b.message(&entries[i])
		more := 0
		for _, part := range message {
			more += len(part)
			messages = append(messages, part)
		}
		if size += more; size > maxPublish && size > more {
			last := len(messages) - len(message)
			if err := b.move(ctx, b.position, to, messages[:last]); err != nil || b.position == "" {
				return err
			}
			messages, size = append([]any(nil), messages[last:]...), more
		}
		to = entries[i].id.String()
	}
	return b.move(ctx, b.position, to, messages)
}

// message returns the channel and the message of an entry, or nothing if it is not for servers with the
// pub/sub adapter.
func (b *bridge) message(e *entry) [][]byte {
	decoded, err := nodewire.Decode(e.fields())
	if err != nil { // the log has told it
		return nil
	}
	if id, ok := e.id.id(); ok {
		decoded.Identify(id)
	}
	message, err := b.g.forServers(decoded)
	if err != nil {
		b.g.skipped.Add(1)
		b.g.toldSkip.Do(func() {
			b.l.c.o.Log.Warn("an entry has no form for servers with the pub/sub adapter",
				zap.Stringer("id", e.id), zap.String("field", fieldOf(err)))
		})
	}
	return message
}

// publishAll publishes messages and moves the position, if the lock and the position are what they were. It
// moves the position first: a server that stores nothing at present would publish them again and again.
// It returns how many messages were refused, -1 without the lock, or -2 with another position.
//
// KEYS: the lock and the position. ARGV: their values, and the new position; for each message the channel
// and the message.
var publishAll = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return -2 end
redis.call('SET', KEYS[2], ARGV[3])
local refused = 0
for i = 4, #ARGV, 2 do
	local reply = redis.pcall('PUBLISH', ARGV[i], ARGV[i + 1])
	if type(reply) == 'table' and reply.err then refused = refused + 1 end
end
return refused`)

// move publishes messages and moves the position. If it is another one already, it is not known any more.
func (b *bridge) move(ctx context.Context, from, to string, messages []any) error {
	args := append([]any{b.term, from, to}, messages...)
	within, size := b.l.c.timeout, 0
	for _, part := range messages {
		text, _ := part.([]byte)
		size += len(text)
	}
	if size > largeEntry { // there is no smaller part of it
		within = b.l.c.entryTimeout
	}
	result := 0
	err := b.l.c.doWithin(ctx, within, func(ctx context.Context, r *redis.Client) (err error) {
		result, err = publishAll.Run(ctx, r.WithTimeout(within), []string{b.g.lockKey(), b.key()}, args...).Int()
		return err
	})
	switch {
	case err != nil:
		return err
	case result == -1:
		return errNoHolder
	case result == -2:
		b.position = ""
		return nil
	case result > 0:
		b.g.drop(result, errRefused)
	}
	b.position, b.isBehind = to, false
	return nil
}

var errRefused = errors.New("the rules of the Redis user do not allow their channel")
