package redisstream

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
)

// ingestAll adds entries, and publishes volatile messages, if the lock has a value: a node that stood
// still writes nothing after another node has taken the lock.
//
// KEYS: the lock, and the stream. ARGV: the value of the lock, the length of the stream; for each
// message, how many fields and values, and these, or 0, the channel and the message.
var ingestAll = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local i = 3
while i <= #ARGV do
	local n = tonumber(ARGV[i])
	if n == 0 then
		redis.call('PUBLISH', ARGV[i + 1], ARGV[i + 2])
		i = i + 3
	else
		local add = {'XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*'}
		for f = 1, n do add[6 + f] = ARGV[i + f] end
		redis.call(unpack(add))
		i = i + n + 1
	end
end
return 1`)

// write is the writer: it writes the messages that wait, many at once, until the queue is closed.
func (g *Ingest) write() {
	defer close(g.written)
	for {
		batch, closed := g.queue.Take()
		switch {
		case len(batch) > 0:
			g.storeAll(batch)
		case closed:
			return
		default:
			<-g.queue.Filled
		}
	}
}

// storeAll writes messages, which may be of two terms.
func (g *Ingest) storeAll(messages []*published) {
	for len(messages) > 0 {
		n := 1
		for n < len(messages) && messages[n].term == messages[0].term {
			n++
		}
		g.store(messages[:n])
		messages = messages[n:]
	}
}

// store writes messages of one term. It does not try again: Redis may have them although it has not
// replied, and a message must not come twice.
func (g *Ingest) store(messages []*published) {
	args, n := []any{messages[0].term, g.l.maxLen}, 0
	for _, m := range messages {
		if m.isForServers {
			g.volatile.Add(-1)
		}
		more, err := g.encode(m)
		if err != nil {
			g.skip(m, err)
		}
		if more != nil {
			args = append(args, more...)
			n++
		}
	}
	if n == 0 {
		return
	}
	isHolder := false
	err := g.c.do(g.writing, func(ctx context.Context, r *redis.Client) (err error) {
		isHolder, err = ingestAll.Run(ctx, r, []string{g.lockKey(), g.c.o.Stream}, args...).Bool()
		return err
	})
	switch {
	case err != nil:
		g.drop(n, err)
	case !isHolder:
		g.drop(n, errNoHolder)
	}
}

var errNoHolder = errors.New("another node has the lock")

// encode returns the arguments of the script for a message, or none if it is not for the stream.
func (g *Ingest) encode(m *published) ([]any, error) {
	e, err := m.decode()
	if errors.Is(err, nodewire.ErrIgnored) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !isOrdered(e) && (e.Type != nodewire.TypeBroadcast || e.RequestID != "") {
		return nil, nil // somebody wants answers
	}
	if m.isForServers {
		if !e.Opts.Volatile { // else it should be in the stream
			return nil, nil
		}
		message, err := g.forServers(e)
		if len(message) == 0 {
			return nil, err
		}
		return []any{0, message[0], message[1]}, nil
	}
	isOwn := e.UID == g.serversUID() || m.channel.Prefix == g.c.o.Stream && nodewire.IsClusterUID(e.UID)
	if isOwn || nodewire.OwnUID(e.UID) {
		return nil, nil // a node of Roomcast has written it
	}
	e.UID = nodewire.EmitterUID
	if m.channel.Prefix == g.o.Servers {
		e.Via = g.o.Servers
	}
	if e.Opts.Volatile && e.Type == nodewire.TypeBroadcast {
		payload, err := e.AppendMap(nil)
		if err != nil {
			return nil, err
		}
		to := nodewire.Channel{Prefix: g.c.o.Stream, Medium: nodewire.Broadcasts, Namespace: e.Namespace}
		return []any{0, to.String(), payload}, nil
	}
	f, err := e.Fields()
	if err != nil {
		return nil, err
	}
	add := g.l.add(f, "*")[headOfAdd:]
	return append([]any{len(add)}, add...), nil
}
