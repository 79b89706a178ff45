package redisstream

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// bridgeMaxAge is how much older than the newest entry those are at most with which a bridge begins.
// Nobody wants what was sent while no node had the setting.
const bridgeMaxAge = 5 * time.Minute

// bridge publishes what the stream has to servers with the pub/sub adapter, in its order, and except what
// came from them.
//
// Its position is a key in Redis that changes in one step with what is published, so everything is
// published once, whichever node has the lock, and also when a reply is lost.
type bridge struct {
	g    *Ingest
	l    *Log
	term string // the value of the lock
	page page

	position string // the entry up to which everything is published; empty: to be read
	isSure   bool   // everything was read, so that the server may wait for more
	isBehind bool   // entries after the position may have been dropped
}

func newBridge(g *Ingest, term string) *bridge {
	return &bridge{g: g, l: g.l, term: term, page: firstPage}
}

func (b *bridge) key() string { return b.l.c.key("bridge") }

// run publishes until ctx ends.
func (b *bridge) run(ctx context.Context) {
	select {
	case <-b.l.known:
	case <-ctx.Done():
		return
	}
	for wait := newBackoff(); ctx.Err() == nil; {
		err := b.step(ctx)
		switch {
		case err == nil:
			wait = newBackoff()
		case errors.Is(err, errNoHolder):
			return
		default: // the client has told it
			b.position, b.isSure = "", false
			wait.sleep(ctx)
		}
	}
}

// step publishes the next entries. It waits for them.
func (b *bridge) step(ctx context.Context) error {
	if b.position == "" {
		return b.find(ctx)
	}
	entries, err := b.read(ctx)
	if err != nil {
		return err
	}
	isAll := len(entries) < int(b.page)
	b.page = b.page.next(len(entries), sizeOf(entries))
	if err := b.publish(ctx, entries); err != nil {
		return err
	}
	b.isSure, b.isBehind = isAll, !isAll
	return nil
}

// find reads the position. Without one there was no bridge before this node began, or the server has lost
// everything, also the entry with which this node began, and all of the stream is new.
func (b *bridge) find(ctx context.Context) error {
	up := b.l.up.String()
	replies := b.l.do(ctx, [][]any{{"get", b.key()}, {"xrange", b.l.stream, up, up},
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
	command, within := []any{"xread", "count", int(b.page)}, pageTimeout
	if b.isSure {
		command, within = append(command, "block", tailWait.Milliseconds()), Timeout
	}
	commands := [][]any{append(command, "streams", b.l.stream, b.position)}
	if b.isBehind {
		commands = append(commands, []any{"xrange", b.l.stream, "-", "+", "count", 1})
	}
	replies := b.l.within(ctx, within, commands)
	b.page = b.page.after(replies[0].Err())
	entries, err := readNew(replies[0])
	if err == nil && b.isBehind {
		err = b.warn(replies[1])
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

// publish publishes entries, and moves the position behind them.
func (b *bridge) publish(ctx context.Context, entries []entry) error {
	var messages []any
	to := b.position
	for i := range entries {
		e := &entries[i]
		messages, to = append(messages, b.message(e)...), e.id.String()
	}
	return b.move(ctx, b.position, to, messages)
}

// message returns the channel and the message of an entry, or nothing if it is not for servers with the
// pub/sub adapter.
func (b *bridge) message(e *entry) []any {
	decoded, err := nodewire.Decode(e.fields)
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

// publishAll publishes messages and moves the position, if the lock and the position are what they were.
//
// KEYS: the lock and the position. ARGV: their values, and the new position; for each message the channel
// and the message.
var publishAll = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return 1 end
for i = 4, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[2], ARGV[3])
return 2`)

// move publishes messages and moves the position. Another position is read again.
func (b *bridge) move(ctx context.Context, from, to string, messages []any) error {
	args := append([]any{b.term, from, to}, messages...)
	result := 0
	err := b.l.of.do(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		result, err = publishAll.Run(ctx, r, []string{b.g.lockKey(), b.key()}, args...).Int()
		return err
	})
	switch {
	case err != nil:
		return err
	case result == 0:
		return errNoHolder
	case result == 1:
		b.position, b.isSure = "", false
	default:
		b.position, b.isBehind = to, false
	}
	return nil
}

// serversUID is the uid of this cluster for servers with the pub/sub adapter: what one node has published
// before it lost the lock is no message for the next one.
func (g *Ingest) serversUID() string { return nodewire.ClusterUID(g.c.o.Stream) }

// forServers returns the channel and the message of an entry, or nothing if it is not for servers with the
// pub/sub adapter. What wants answers is not.
func (g *Ingest) forServers(e *nodewire.Entry) (message []any, err error) {
	to := nodewire.Channel{Prefix: g.o.Servers, Namespace: e.Namespace}
	var payload []byte
	switch {
	case e.Via == g.o.Servers:
		return nil, nil
	case e.Type == nodewire.TypeBroadcast && e.RequestID == "":
		if len(e.Opts.Rooms) == 1 {
			to.To = e.Opts.Rooms[0] // a server without a client in the room needs not read it
		}
		e.UID = g.serversUID()
		payload, err = e.AppendArray(nil)
	case isOrdered(e):
		to.Medium, e.UID, e.RequestID = nodewire.Requests, g.serversUID(), ""
		payload, err = e.AppendRequest(nil)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []any{to.String(), payload}, nil
}
