package redisstream

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/roomcast/roomcast/notify/cluster/nodewire"
	"github.com/roomcast/roomcast/notify/cluster/pywire"
)

// maxVolatile is how many volatile messages of the cluster wait at most, so that they leave places for
// what is to be stored.
const maxVolatile = 1024

// published is a message that was received from a channel.
type published struct {
	channel nodewire.Channel
	payload []byte
	term    string // the lock with which it was received
	python  string // the channel of python-socketio, in place of channel

	isForServers bool // a server of the cluster has published it, and the others are to get it
}

func (m *published) name() string {
	if m.python != "" {
		return m.python
	}
	return m.channel.String()
}

// decode returns what a message says. The error is a *nodewire.SkipError or nodewire.ErrIgnored.
func (m *published) decode() (*nodewire.Entry, error) {
	switch {
	case m.isForServers:
		return nodewire.DecodeMap(m.payload)
	case m.python != "":
		return pywire.Decode(m.payload)
	case m.channel.Medium == nodewire.Requests:
		return nodewire.DecodeRequest(m.channel.Namespace, m.payload)
	}
	return nodewire.DecodeArray(m.channel.Namespace, m.payload)
}

// reason returns why a message is skipped, for the log. It is empty if the reason may have parts of the
// message.
func (m *published) reason(err error) zap.Field {
	var fault *nodewire.SkipError
	if m.python != "" && errors.As(err, &fault) {
		return zap.String("reason", fault.Reason)
	}
	return zap.Skip()
}

// listen receives messages until ctx ends. It calls begun each time when it begins.
func (g *Ingest) listen(ctx context.Context, term string, begun func()) {
	g.c.keep(ctx, func(ctx context.Context, ready func()) error {
		return g.receive(ctx, term, func() { ready(); begun() })
	})
}

// receive receives messages on one connection until it breaks.
//
// For Node it subscribes to a pattern, so that servers do not count this node. An ACL allows a pattern
// only if it has the same one: this is the one that it needs for the other channels, too. The pattern may
// match the channel of Python, so how a message has arrived says whose it is.
func (g *Ingest) receive(ctx context.Context, term string, ready func()) error {
	start, cancel := context.WithTimeout(ctx, g.c.timeout)
	defer cancel()
	server, err := g.c.server(start)
	if err != nil {
		return err
	}
	sub := server.Subscribe(ctx)
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // ends a read
	missing, err := g.subscribe(start, sub)
	if err != nil {
		return err
	}
	defer g.setTerm("")
	return receiveAll(ctx, sub, func(got any) {
		switch message := got.(type) {
		case *redis.Subscription:
			if missing--; missing == 0 {
				g.setTerm(term)
				ready()
			}
		case *redis.Message:
			if message.Pattern == "" {
				g.push(&published{python: message.Channel, payload: []byte(message.Payload), term: term})
			} else {
				g.take(message, term)
			}
		}
	})
}

// subscribe subscribes to the channels, and returns how many confirmations will arrive.
func (g *Ingest) subscribe(ctx context.Context, sub *redis.PubSub) (n int, err error) {
	var prefixes []string
	if g.o.Node || g.o.Servers != "" { // for the servers, what is volatile
		prefixes = append(prefixes, g.c.o.Stream)
	}
	if g.o.Servers != "" {
		prefixes = append(prefixes, g.o.Servers)
	}
	for _, prefix := range prefixes {
		n++
		if err := sub.PSubscribe(ctx, prefix+"*"); err != nil {
			return 0, err
		}
	}
	if g.o.Python != "" {
		n++
		if err := sub.Subscribe(ctx, g.o.Python); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (g *Ingest) setTerm(term string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.term = term
}

// take queues what is for the stream, and what the stream has not, for the other servers. The channels
// also have what the streams adapter publishes, which all nodes receive by themselves, and answers of
// servers, which are for one server.
func (g *Ingest) take(m *redis.Message, term string) {
	prefix := strings.TrimSuffix(m.Pattern, "*")
	channel, ok := nodewire.ParseChannel(prefix, m.Channel)
	if !ok || channel.Medium == nodewire.Responses {
		return
	}
	isForServers := false
	if channel.Medium == nodewire.Broadcasts && isMap(m.Payload) {
		isForServers = g.o.Servers != "" && prefix == g.c.o.Stream && channel.To == ""
		if !isForServers {
			return
		}
	} else if prefix == g.c.o.Stream && !g.o.Node || g.isEcho(m.Payload) {
		return
	}
	if isForServers && g.volatile.Add(1) > maxVolatile {
		g.volatile.Add(-1)
		g.drop(1, errIngestFull)
		return
	}
	g.push(&published{channel: channel, payload: []byte(m.Payload), term: term, isForServers: isForServers})
}

func (g *Ingest) push(m *published) {
	if err := g.queue.Push(m, 1, len(m.name())+len(m.payload)+128); err != nil {
		if m.isForServers {
			g.volatile.Add(-1)
		}
		g.drop(1, err)
	}
}

// isMap reports whether a message begins like an object, in MessagePack or JSON.
func isMap(payload string) bool {
	return payload != "" && (payload[0]&0xf0 == 0x80 || payload[0] == 0xde || payload[0] == 0xdf ||
		payload[0] == '{')
}
